//! What a person sees of the customers: the one place where a [`View`] is made of a person.
//!
//! The configuration says which roles are limited to their departments and which see fields in the clear
//! (`[access]`); a person's departments come from an administrator or from the provider's groups.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    By, Identity, Role,
    audit::{self, AuditEntry, Origin, Outcome},
    members::{self, MemberError},
};
use crate::{
    config,
    model::{Class, Timestamp, View, view::department_key},
    store::{StoreError, Tx, department, setting},
};

/// Most departments of a person.
const MOST: usize = 50;
const LONGEST: usize = 100;
const SETTING: &str = "access";

/// What roles see, as configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Roles that see the customers of their own departments only.
    pub limited: Vec<Role>,
    /// Those see the customers without a department as well.
    pub unassigned: bool,
    /// Roles that see each class of fields in the clear, in the order of [`Class::ALL`].
    pub clear: [Vec<Role>; 3],
}

impl From<&config::Access> for Access {
    fn from(access: &config::Access) -> Self {
        let roles = |names: &[String]| names.iter().filter_map(|name| Role::parse(name)).collect::<Vec<_>>();
        let clear = |names: &[String]| [vec![Role::Owner, Role::Admin], roles(names)].concat();
        Self {
            limited: roles(&access.limited),
            unassigned: access.unassigned,
            clear: [clear(&access.credit), clear(&access.terms), clear(&access.personal)],
        }
    }
}

impl Default for Access {
    fn default() -> Self {
        Self::from(&config::Config::default().access)
    }
}

impl Access {
    #[must_use]
    pub fn limits(&self, role: Role) -> bool {
        self.limited.contains(&role)
    }

    /// Whether a role sees a class of fields in the clear.
    #[must_use]
    pub fn clears(&self, role: Role, class: Class) -> bool {
        self.clear[class as usize].contains(&role)
    }

    /// What somebody of this role and these departments sees.
    #[must_use]
    pub fn view(&self, role: Role, departments: Vec<String>) -> View {
        let hidden: Vec<Class> = Class::ALL.into_iter().filter(|class| !self.clears(role, *class)).collect();
        let all = match role {
            Role::Owner | Role::Admin => true,
            Role::Steward | Role::Employee | Role::Viewer | Role::Auditor => !self.limits(role),
        };
        let of = if all { View::everything() } else { View::of_departments(departments, self.unassigned) };
        of.hiding(&hidden)
    }
}

/// Why a department was not given.
#[derive(Debug, thiserror::Error)]
pub enum DepartmentError {
    #[error("a department has 1 to {LONGEST} characters, and a person at most {MOST} of them")]
    Name,
    #[error(transparent)]
    Member(#[from] MemberError),
}

impl From<StoreError> for DepartmentError {
    fn from(error: StoreError) -> Self {
        Self::Member(error.into())
    }
}

impl Identity {
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// What a person of this role sees now.
    pub async fn view_of(&self, user_id: &str, role: Role) -> Result<View, StoreError> {
        let departments = if self.access.limits(role) {
            department::of_user(&self.db, user_id).await?.into_iter().map(|row| row.name).collect()
        } else {
            Vec::new()
        };
        Ok(self.access.view(role, departments))
    }

    /// Puts somebody into a department. `false`: there already. It holds at once here, and within a second on
    /// every node.
    pub async fn give_department(
        &self,
        by: By<'_>,
        user_id: &str,
        name: &str,
        origin: &Origin,
    ) -> Result<bool, DepartmentError> {
        let name = named(name).ok_or(DepartmentError::Name)?;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        members::allowed(&mut tx, by, user_id).await?;
        if department::of_user(&mut tx, user_id).await?.len() >= MOST {
            return Err(DepartmentError::Name);
        }
        let given = department::give(&mut tx, user_id, name, department::PERSON, now).await?;
        if given {
            record(&mut tx, by.actor, user_id, origin, (&[name.to_owned()], &[]), now).await?;
        }
        tx.commit().await?;
        self.cache.forget_user(user_id);
        Ok(given)
    }

    /// Takes somebody out of a department. `false`: not in it.
    pub async fn take_department(
        &self,
        by: By<'_>,
        user_id: &str,
        name: &str,
        origin: &Origin,
    ) -> Result<bool, MemberError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        members::allowed(&mut tx, by, user_id).await?;
        let taken = department::take(&mut tx, user_id, name).await?;
        if taken {
            record(&mut tx, by.actor, user_id, origin, (&[], &[name.to_owned()]), now).await?;
        }
        tx.commit().await?;
        self.cache.forget_user(user_id);
        Ok(taken)
    }

    /// Notes in the trail when the configuration of what roles see is another than at the last start.
    pub async fn note_access(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let before: Option<Access> = setting::get(&mut tx, SETTING).await?;
        if before.as_ref() != Some(&self.access) {
            setting::put(&mut tx, SETTING, &self.access, now).await?;
            let entry = AuditEntry {
                actor: "system",
                action: "access.change",
                object_kind: "setting",
                object_id: SETTING,
                outcome: Outcome::Ok,
                origin: &Origin::default(),
                detail: json!({ "from": before, "to": self.access }),
            };
            // What holds from the first start on is no change.
            if before.is_some() || self.access != Access::default() {
                audit::record(&mut tx, entry, now).await?;
            }
        }
        tx.commit().await
    }
}

/// A name as it may be kept.
fn named(name: &str) -> Option<&str> {
    let name = name.trim();
    let fits = !department_key(name).is_empty() && name.chars().count() <= LONGEST;
    (fits && !name.chars().any(char::is_control)).then_some(name)
}

/// What the groups of a provider say at a sign-in: departments that they gave before and do not now are gone;
/// those given by hand stay.
pub(super) async fn from_groups(
    tx: &mut Tx,
    user_id: &str,
    names: &[String],
    origin: &Origin,
    now: Timestamp,
) -> Result<(), StoreError> {
    let names: Vec<String> = names.iter().filter_map(|name| named(name)).take(MOST).map(str::to_owned).collect();
    let gone = department::keep_of_groups(tx, user_id, &names).await?;
    let mut come = Vec::new();
    for name in names {
        if department::give(tx, user_id, &name, department::GROUPS, now).await? {
            come.push(name);
        }
    }
    if come.is_empty() && gone.is_empty() {
        return Ok(());
    }
    record(tx, "system", user_id, origin, (&come, &gone), now).await
}

async fn record(
    tx: &mut Tx,
    actor: &str,
    user_id: &str,
    origin: &Origin,
    (given, taken): (&[String], &[String]),
    now: Timestamp,
) -> Result<(), StoreError> {
    let listed = |names: &[String]| (!names.is_empty()).then(|| names.join(", "));
    let entry = AuditEntry {
        actor,
        action: "user.department",
        object_kind: "user",
        object_id: user_id,
        outcome: Outcome::Ok,
        origin,
        detail: json!({ "given": listed(given), "taken": listed(taken) }),
    };
    audit::record(tx, entry, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_made_of_role_and_departments() {
        let access = Access { limited: vec![Role::Steward, Role::Viewer], unassigned: false, ..Access::default() };
        for (role, departments, seen, personal) in [
            (Role::Owner, vec![], true, true),
            (Role::Admin, vec![], true, true),
            (Role::Steward, vec!["営業一課"], true, true),
            (Role::Steward, vec!["営業二課"], false, true),
            (Role::Steward, vec![], false, true),
            (Role::Employee, vec![], true, true),
            (Role::Viewer, vec!["営業一課"], true, false),
            (Role::Auditor, vec![], true, false),
        ] {
            let view = access.view(role, departments.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(view.reaches(Some("営業一課")), seen, "{role:?}");
            assert_eq!(!view.hides(Class::Personal), personal, "{role:?}");
        }
        // Whatever a configuration says, who runs the hub is not limited.
        let odd = Access { limited: Role::ALL.to_vec(), ..access };
        assert!(odd.view(Role::Owner, vec![]).reaches(Some("営業一課")));
    }

    #[test]
    fn nobody_is_limited_by_default() {
        let access = Access::default();
        assert!(Role::ALL.into_iter().all(|role| !access.limits(role)));
        let clear = |class| Role::ALL.into_iter().filter(|role| access.clears(*role, class)).collect::<Vec<_>>();
        assert_eq!(clear(Class::Personal), [Role::Owner, Role::Admin, Role::Steward, Role::Employee]);
        assert_eq!(clear(Class::Credit), [Role::Owner, Role::Admin, Role::Steward, Role::Employee]);
        assert_eq!(clear(Class::Terms), [Role::Owner, Role::Admin, Role::Steward, Role::Employee, Role::Viewer]);
    }
}
