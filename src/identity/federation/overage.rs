//! Groups of somebody who has too many for a token of Entra ID: asked of Microsoft Graph.
//!
//! The access token goes to where it goes anyway, the host that has userinfo, which the provider's description names
//! (`https://graph.microsoft.com/oidc/userinfo`, or that of a national cloud). What a token names as the place is not
//! read. It takes the right `User.Read`, which an application there has from the start.
//!
//! Invariant: who cannot be resolved is refused, never taken for somebody without groups.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

use super::{Federation, claims, flow::Refused, preset::Preset, settings::Settings};

const USERINFO: &str = "/oidc/userinfo";
const MEMBER_GROUPS: &str = "/v1.0/me/getMemberGroups";

/// What is known of a person before their groups are.
pub(super) struct Unresolved<'a> {
    pub preset: Preset,
    /// Where userinfo was.
    pub userinfo_at: Option<&'a Url>,
    pub userinfo: Option<&'a Map<String, Value>>,
    pub access_token: &'a str,
}

/// <https://learn.microsoft.com/graph/api/directoryobject-getmembergroups>
#[derive(Deserialize)]
struct Members {
    value: Vec<String>,
    #[serde(rename = "@odata.nextLink")]
    more: Option<Value>,
}

fn refused(detail: impl Into<String>) -> Refused {
    Refused::Check { code: "GROUPS_ELSEWHERE", detail: Some(detail.into()) }
}

impl Federation {
    /// Puts the groups into a token that only says that there are some, where they can be asked for. Else what reads
    /// the token refuses it.
    ///
    /// # Errors
    /// `GROUPS_ELSEWHERE`: they could be asked for, and were not to be had.
    pub(super) async fn resolve_groups(
        &self,
        settings: &Settings,
        token: &mut Map<String, Value>,
        of: Unresolved<'_>,
    ) -> Result<(), Refused> {
        if of.preset != Preset::Entra || !claims::are_elsewhere(token, of.userinfo, settings) {
            return Ok(());
        }
        let Some(url) = of.userinfo_at.and_then(place) else { return Ok(()) };
        // Graph knows groups by their ids. Somebody in a group that is mapped by name would seem to be in none.
        if !meant(settings).all(|group| is_id(group)) {
            return Err(refused("groups are mapped by name here; Microsoft Graph can only be asked for ids"));
        }
        // As the groups claim has it where nothing else was chosen: groups that people join as they like are no
        // security groups.
        let body = json!({"securityEnabledOnly": true});
        let answer = self.wire.ask(&url, settings.private, &body, of.access_token).await;
        let Members { value: mut groups, more } =
            answer.map_err(|why| refused(format!("Microsoft Graph (right User.Read): {why}")))?;
        if more.is_some() {
            return Err(refused("Microsoft Graph did not name all groups at once"));
        }
        // No more than so many are looked at: those first that mean something.
        groups.sort_by_key(|group| !meant(settings).any(|meant| meant == group));
        token.insert(settings.groups_claim.clone(), groups.into());
        Ok(())
    }
}

/// Groups that mean something here.
fn meant(settings: &Settings) -> impl Iterator<Item = &String> {
    settings.roles.keys().chain(settings.departments.keys())
}

fn is_id(group: &str) -> bool {
    group.len() == 36 && Uuid::try_parse(group).is_ok()
}

/// Where Graph is asked, if it is Graph that has userinfo.
fn place(userinfo: &Url) -> Option<Url> {
    let before = userinfo.path().strip_suffix(USERINFO)?;
    let mut url = userinfo.clone();
    url.set_path(&format!("{before}{MEMBER_GROUPS}"));
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graph_is_where_userinfo_is() {
        for (userinfo, groups) in [
            ("https://graph.microsoft.com/oidc/userinfo", Some("https://graph.microsoft.com/v1.0/me/getMemberGroups")),
            (
                "https://microsoftgraph.chinacloudapi.cn/oidc/userinfo?a=b",
                Some("https://microsoftgraph.chinacloudapi.cn/v1.0/me/getMemberGroups"),
            ),
            ("https://id.company.example/userinfo", None),
            ("https://id.company.example/oidc/userinfo/more", None),
        ] {
            let url = userinfo.parse().ok().and_then(|url| place(&url));
            assert_eq!(url.as_ref().map(Url::as_str), groups, "{userinfo}");
        }
    }
}
