//! Users and groups, for administrators.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{RawForm, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page::{Esc, Page, put};
use crate::desk::{Caller, Desk, Target, blocking};
use crate::extract::{Form, Part, Query};
use crate::problem::Problem;
use crate::rest::users::{Written, add, change};
use crate::users::{Group, Right, User};

/// `GET /utilisateurs`.
pub(crate) async fn page(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Query(done): Query<super::Done>,
) -> Html<String> {
    let mut page = Page::new(&desk, &caller);
    let (users, groups) = (desk.users.list(), desk.users.groups());
    put!(page, "<h1>{}</h1>", page.t("nav-users"));
    page.done(done.fait.as_deref());
    put!(
        page,
        "<div class=grid><div><section class=card><div class=scroll><table><caption>{}</caption><thead><tr><th scope=col>{}<th scope=col>{}\
         <th scope=col>{}<th scope=col>{}</tr></thead><tbody>",
        page.t("users-caption"),
        page.t("login-user"),
        page.t("column-name"),
        page.t("column-groups"),
        page.t("column-change"),
    );
    for user in &users {
        row(&mut page, user, &groups);
    }
    put!(
        page,
        "</tbody></table></div></section><section class=card><div class=scroll><table><caption>{}</caption><thead><tr><th scope=col>{}",
        page.t("groups-caption"),
        page.t("column-group")
    );
    for right in Right::ALL {
        put!(page, "<th scope=col>{}", page.t(&format!("right-{}", right.name())));
    }
    put!(
        page,
        "<th scope=col><span class=unseen>{}</span></tr></thead><tbody>",
        page.t("column-change")
    );
    for (index, group) in groups.iter().enumerate() {
        put!(page, "<tr><th scope=row>{}", Esc(&group.name));
        for right in Right::ALL {
            let checked = if group.rights.contains(&right) { " checked" } else { "" };
            let label = format!("{} – {}", Esc(&group.name), page.t(&format!("right-{}", right.name())));
            put!(
                page,
                "<td><input type=checkbox form=groupe-{index} name=right value={} aria-label=\"{label}\"{checked}>",
                right.name()
            );
        }
        put!(page, "<td>");
        page.form("/groupes", &format!("id=groupe-{index}"));
        put!(
            page,
            "<input type=hidden name=name value=\"{}\"><button class=small>{}</button></form></tr>",
            Esc(&group.name),
            page.t("save")
        );
    }
    put!(
        page,
        "</tbody></table></div><p class=hint>{}</p>",
        page.t("groups-hint")
    );
    put!(page, "<details><summary>{}</summary>", page.t("group-new"));
    page.form("/groupes", "class=stack");
    put!(
        page,
        "<div><label for=group>{}</label><input type=text id=group name=name maxlength=64 required></div><div>",
        page.t("column-name")
    );
    for right in Right::ALL {
        put!(
            page,
            "<label class=check><input type=checkbox name=right value={}>{}</label>",
            right.name(),
            page.t(&format!("right-{}", right.name()))
        );
    }
    put!(
        page,
        "</div><button>{}</button></form></details></section></div>",
        page.t("save")
    );
    put!(
        page,
        "<section class=card aria-labelledby=t-nouveau><h2 id=t-nouveau>{}</h2>",
        page.t("user-new")
    );
    page.form("/utilisateurs", "class=stack");
    put!(
        page,
        "<div><label for=login>{}</label><input type=text id=login name=login maxlength=64 pattern=\"[a-z0-9._\\-]+\" autocapitalize=none required aria-describedby=login-hint>\
         <p class=hint id=login-hint>{}</p></div><div><label for=name>{}</label><input type=text id=name name=name maxlength=200></div>",
        page.t("login-user"),
        page.t("user-login-hint"),
        page.t("column-name"),
    );
    memberships(&mut page, &BTreeSet::new(), &groups);
    password(&mut page, "new-password", true);
    put!(
        page,
        "<button class=first>{}</button></form></section></div>",
        page.t("user-add")
    );
    let title = page.words.get("nav-users");
    page.finish(&title, "/utilisateurs")
}

fn memberships(page: &mut Page<'_>, of: &BTreeSet<String>, groups: &[Group]) {
    put!(page, "<fieldset><legend>{}</legend>", page.t("column-groups"));
    for group in groups {
        let checked = if of.contains(&group.name) { " checked" } else { "" };
        put!(
            page,
            "<label class=check><input type=checkbox name=group value=\"{0}\"{checked}>{0}</label>",
            Esc(&group.name)
        );
    }
    put!(page, "</fieldset>");
}

fn password(page: &mut Page<'_>, id: &str, required: bool) {
    let required = if required { "required" } else { "" };
    put!(
        page,
        "<div><label for=\"{id}\">{}</label><input type=password id=\"{id}\" name=password minlength=12 autocomplete=new-password {required}>\
         <p class=hint>{}</p></div>",
        page.t("login-password"),
        page.t("user-password-hint"),
    );
}

fn row(page: &mut Page<'_>, user: &User, groups: &[Group]) {
    let names = user.groups.iter().cloned().collect::<Vec<_>>().join(", ");
    put!(page, "<tr><th scope=row>{}", Esc(&user.login));
    if user.disabled {
        put!(page, " <span class=\"badge down\">{}</span>", page.t("user-disabled"));
    }
    put!(
        page,
        "<td>{}<td>{}<td><details><summary>{}</summary>",
        Esc(&user.name),
        Esc(names),
        page.t("change")
    );
    page.form(&format!("/utilisateurs/{}", user.login), "class=stack");
    put!(
        page,
        "<div><label for=\"name-{0}\">{1}</label><input type=text id=\"name-{0}\" name=name maxlength=200 value=\"{2}\"></div>",
        Esc(&user.login),
        page.t("column-name"),
        Esc(&user.name),
    );
    memberships(page, &user.groups, groups);
    password(page, &format!("password-{}", user.login), false);
    let checked = if user.disabled { " checked" } else { "" };
    put!(
        page,
        "<label class=check><input type=checkbox name=disabled value=true{checked}>{}</label><button>{}</button></form>",
        page.t("user-disable"),
        page.t("save"),
    );
    phone_codes(page, user);
    put!(page, "</details></tr>");
}

/// The codes with which somebody launches alerts by telephone. The secret one is never shown.
fn phone_codes(page: &mut Page<'_>, user: &User) {
    let known = page.desk.users.phone_code(&user.login);
    page.form(&format!("/utilisateurs/{}/telephone", user.login), "class=stack");
    put!(
        page,
        "<fieldset><legend>{1}</legend><p class=hint>{2}</p><div><label for=\"code-{0}\">{3}</label><input type=text inputmode=numeric id=\"code-{0}\" \
         name=code pattern=\"[0-9]{{2,12}}\" autocomplete=off value=\"{4}\"></div><div><label for=\"pin-{0}\">{5}</label><input type=password \
         inputmode=numeric id=\"pin-{0}\" name=pin pattern=\"[0-9]{{6,16}}\" autocomplete=new-password></div><button>{6}</button>",
        Esc(&user.login),
        page.t("user-telephone"),
        page.t("user-telephone-hint"),
        page.t("user-telephone-code"),
        Esc(known.as_deref().unwrap_or_default()),
        page.t("user-telephone-pin"),
        page.t("save"),
    );
    if known.is_some() {
        put!(
            page,
            " <button name=remove value=1 formnovalidate>{}</button>",
            page.t("user-telephone-remove")
        );
    }
    put!(page, "</fieldset></form>");
}

/// Fields of a form in which a name may come several times.
pub(super) fn fields(form: &[u8]) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let plain = text.replace('+', " ");
        let mut bytes = Vec::with_capacity(plain.len());
        let mut rest = plain.as_bytes();
        while let Some((first, tail)) = rest.split_first() {
            let hex = (*first == b'%')
                .then(|| tail.get(..2))
                .flatten()
                .and_then(|hex| std::str::from_utf8(hex).ok());
            let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
            bytes.push(byte.unwrap_or(*first));
            rest = if byte.is_some() { &tail[2..] } else { tail };
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let form = String::from_utf8_lossy(form);
    form.split('&')
        .filter_map(|pair| pair.split_once('='))
        .take(200)
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn written(form: &[u8]) -> Written {
    let mut written = Written {
        login: String::new(),
        name: String::new(),
        groups: BTreeSet::new(),
        disabled: false,
        password: None,
    };
    for (name, value) in fields(form) {
        match name.as_str() {
            "login" => written.login = value,
            "name" => written.name = value,
            "group" => drop(written.groups.insert(value)),
            "disabled" => written.disabled = value == "true",
            "password" if !value.is_empty() => written.password = Some(value),
            _ => {}
        }
    }
    written
}

/// `POST /utilisateurs`.
pub(crate) async fn create(State(desk): State<Arc<Desk>>, RawForm(form): RawForm) -> Result<Response, Problem> {
    let written = written(&form);
    let target = Target(written.login.clone());
    add(desk, written).await?;
    let mut response = Redirect::to("/utilisateurs?fait=user").into_response();
    response.extensions_mut().insert(target);
    Ok(response)
}

/// `POST /utilisateurs/{login}`.
pub(crate) async fn update(
    State(desk): State<Arc<Desk>>,
    Part(login): Part<String>,
    RawForm(form): RawForm,
) -> Result<Redirect, Problem> {
    change(
        desk,
        Written {
            login,
            ..written(&form)
        },
    )
    .await?;
    Ok(Redirect::to("/utilisateurs?fait=user"))
}

/// The form of the telephone codes.
#[derive(Deserialize)]
pub(crate) struct PhoneCodes {
    #[serde(default)]
    code: String,
    #[serde(default)]
    pin: String,
    remove: Option<String>,
}

/// `POST /utilisateurs/{login}/telephone`.
pub(crate) async fn telephone(
    State(desk): State<Arc<Desk>>,
    Part(login): Part<String>,
    Form(PhoneCodes { code, pin, remove }): Form<PhoneCodes>,
) -> Result<Redirect, Problem> {
    blocking(move || {
        let codes = (code.trim(), pin.trim());
        let given = remove.is_none().then_some(codes);
        desk.users.set_telephone(&login, given)
    })
    .await??;
    Ok(Redirect::to("/utilisateurs?fait=user"))
}

/// `POST /groupes`.
pub(crate) async fn group(State(desk): State<Arc<Desk>>, RawForm(form): RawForm) -> Result<Response, Problem> {
    let fields = fields(&form);
    let name = fields
        .iter()
        .find(|(name, _)| name == "name")
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default();
    let wanted = |right: &Right| {
        fields
            .iter()
            .any(|(name, value)| name == "right" && value == right.name())
    };
    let rights = Right::ALL.into_iter().filter(wanted).collect();
    let target = Target(name.clone());
    blocking(move || desk.users.put_group(Group { name, rights })).await??;
    let mut response = Redirect::to("/utilisateurs?fait=group").into_response();
    response.extensions_mut().insert(target);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_fields_are_all_read() {
        let written = written(
            "login=lea&name=L%C3%A9a+D.&group=Annuaire&group=D%C3%A9clenchement&password=&disabled=true&x".as_bytes(),
        );
        assert_eq!(
            (written.login.as_str(), written.name.as_str(), written.disabled),
            ("lea", "Léa D.", true)
        );
        assert_eq!(
            written.groups,
            BTreeSet::from(["Annuaire".into(), "Déclenchement".into()])
        );
        assert_eq!(written.password, None);
    }
}
