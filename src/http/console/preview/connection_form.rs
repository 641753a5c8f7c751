use super::{Sample, Section, minutes, operations::checks};
use crate::http::console::view::{
    connection_edit::ConnectionEditPage,
    connection_form::{ConnectionForm, SettingField},
    connection_new::ConnectionNewPage,
};

fn form() -> ConnectionForm {
    let field = |name: &str, title: &str, help: &str, input: &str| SettingField {
        name: name.into(),
        title: title.into(),
        help: help.into(),
        required: true,
        input: input.into(),
        ..SettingField::default()
    };
    ConnectionForm {
        pulls: true,
        name: "会計システム".into(),
        fields: vec![
            SettingField {
                value: "https://accounting.example".into(), ..field("base_url", "URL", "https://…", "url")
            },
            SettingField { secret: true, error: Some("401".into()), ..field("token", "API token", "API", "text") },
            SettingField {
                options: vec![("a".into(), "A".into()), ("b".into(), "B".into())],
                value: "b".into(),
                ..field("account", "Account", "", "select")
            },
            SettingField {
                required: false, value: "true".into(), ..field("closed", "Closed periods", "…", "boolean")
            },
        ],
        streams: vec![("invoices".into(), true), ("payments".into(), false)],
        schedules: vec![("15m".into(), "15 m".into()), ("daily".into(), "24 h".into())],
        schedule: "15m".into(),
        checks: checks(),
        ..ConnectionForm::default()
    }
}

fn new() -> ConnectionNewPage {
    ConnectionNewPage {
        connector: "accounting".into(),
        title: "サンプル会計".into(),
        kind: "accounting".into(),
        description: "OK".into(),
        form: form(),
        command: "musubi connection add accounting".into(),
    }
}

fn edit(change: impl Fn(&mut ConnectionEditPage)) -> Box<ConnectionEditPage> {
    let mut form = ConnectionForm { checks: Vec::new(), ..form() };
    for field in &mut form.fields {
        field.error = None;
        field.set = field.secret;
    }
    let password = SettingField {
        name: "password".into(),
        title: "Password".into(),
        secret: true,
        set: true,
        input: "text".into(),
        ..SettingField::default()
    };
    form.fields.push(password);
    let mut page = ConnectionEditPage {
        id: "con_2".into(),
        name: "会計システム".into(),
        kind: "accounting".into(),
        revision: minutes(30).0,
        command: "musubi connection set con_2 --secret token".into(),
        form,
        ..ConnectionEditPage::default()
    };
    change(&mut page);
    Box::new(page)
}

pub fn samples() -> Vec<Sample> {
    use Section::Connections;
    let held = |page: &mut ConnectionEditPage| {
        page.form.checks = checks();
        page.form.held = Some("c2VhbGVk".into());
        page.form.fields.iter_mut().filter(|f| f.secret && f.required).for_each(|f| f.held = true);
    };
    let overtaken = |page: &mut ConnectionEditPage| {
        page.overtaken = Some(Some(("高梨 拓".into(), minutes(2))));
        page.form.fields[0].error = Some("https://old.example".into());
    };
    let nobody = |page: &mut ConnectionEditPage| {
        page.overtaken = Some(None);
        page.unreadable = true;
    };
    vec![
        ("connection-new", Connections, true, Box::new(new())),
        ("connection-edit", Connections, true, edit(|_| {})),
        ("connection-edit-failed", Connections, true, edit(held)),
        ("connection-edit-overtaken", Connections, true, edit(overtaken)),
        ("connection-edit-unreadable", Connections, true, edit(nobody)),
    ]
}
