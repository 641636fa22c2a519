//! Who may do what, in one table. A route that is not here is refused, whatever the router says.

use axum::http::Method;

use crate::users::Right;
use crate::users::Right::{Administration, Directory, Launch, Statistics};

/// What a request needs to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: anybody.
    Nothing,
    /// A session, whatever its rights.
    Session,
    /// A session with at least one of these rights.
    Any(&'static [Right]),
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) method: &'static str,
    pub(crate) route: &'static str,
    pub(crate) need: Need,
    /// Name in the audit trail.
    pub(crate) operation: &'static str,
    /// Whether it is written to the audit trail: everything that changes something, and every look at personal data.
    pub(crate) traced: bool,
}

const fn seen(method: &'static str, route: &'static str, need: Need) -> Rule {
    Rule {
        method,
        route,
        need,
        operation: "",
        traced: false,
    }
}

const fn noted(method: &'static str, route: &'static str, need: Need, operation: &'static str) -> Rule {
    Rule {
        method,
        route,
        need,
        operation,
        traced: true,
    }
}

const LAUNCH: Need = Need::Any(&[Launch]);
const DIRECTORY: Need = Need::Any(&[Directory]);
const ADMINISTRATION: Need = Need::Any(&[Administration]);
const CHOOSE: Need = Need::Any(&[Launch, Directory]);
const STATISTICS: Need = Need::Any(&[Statistics]);
const WATCH: Need = Need::Any(&[Launch, Statistics]);

/// The table.
#[rustfmt::skip]
pub(crate) const RULES: &[Rule] = &[
    seen("GET", "/health", Need::Nothing),
    seen("GET", "/metrics", Need::Nothing),
    seen("GET", "/assets/{file}", Need::Nothing),
    seen("GET", "/api/v1/openapi.json", Need::Nothing),

    noted("POST", "/api/v1/login", Need::Nothing, "login"),
    noted("POST", "/api/v1/logout", Need::Session, "logout"),
    seen("GET", "/api/v1/me", Need::Session),
    noted("PUT", "/api/v1/me/password", Need::Session, "password.change"),

    noted("POST", "/api/v1/imports", DIRECTORY, "directory.import"),
    seen("GET", "/api/v1/imports", DIRECTORY),
    noted("POST", "/api/v1/imports/{id}/undo", DIRECTORY, "directory.undo"),
    noted("GET", "/api/v1/recipients", DIRECTORY, "directory.read"),
    noted("POST", "/api/v1/recipients", DIRECTORY, "recipient.create"),
    noted("PUT", "/api/v1/recipients/{id}", DIRECTORY, "recipient.change"),
    noted("DELETE", "/api/v1/recipients/{id}", DIRECTORY, "recipient.delete"),
    noted("GET", "/api/v1/recipients/{id}", DIRECTORY, "directory.read"),
    noted("GET", "/api/v1/recipients/{id}/data/{form}", DIRECTORY, "person.data"),
    noted("POST", "/api/v1/recipients/{id}/erase", DIRECTORY, "person.erase"),
    noted("POST", "/api/v1/recipients/{id}/merge", DIRECTORY, "recipient.merge"),
    noted("POST", "/api/v1/recipients/{id}/link", DIRECTORY, "person.link"),
    noted("GET", "/api/v1/duplicates", DIRECTORY, "directory.read"),
    seen("GET", "/api/v1/extracts", DIRECTORY),
    noted("POST", "/api/v1/extracts/{name}/refresh", DIRECTORY, "extract.refresh"),
    seen("GET", "/api/v1/lists", CHOOSE),
    noted("POST", "/api/v1/lists", DIRECTORY, "list.create"),
    noted("PUT", "/api/v1/lists/{id}", DIRECTORY, "list.change"),
    noted("DELETE", "/api/v1/lists/{id}", DIRECTORY, "list.delete"),
    noted("GET", "/api/v1/lists/{id}/export", DIRECTORY, "list.export"),
    seen("GET", "/api/v1/communes", Need::Session),
    seen("POST", "/api/v1/selections/preview", CHOOSE),

    seen("GET", "/api/v1/messages", WATCH),
    noted("POST", "/api/v1/messages", LAUNCH, "message.save"),
    seen("GET", "/api/v1/messages/{id}", WATCH),
    noted("PUT", "/api/v1/messages/{id}", LAUNCH, "message.save"),
    seen("GET", "/api/v1/messages/{id}/audio", WATCH),
    seen("POST", "/api/v1/speech", LAUNCH),

    seen("GET", "/api/v1/live", WATCH),
    noted("GET", "/api/v1/calls", WATCH, "calls.read"),
    noted("GET", "/api/v1/calls/events", WATCH, "calls.read"),
    seen("GET", "/api/v1/campaigns", WATCH),
    noted("POST", "/api/v1/campaigns", LAUNCH, "campaign.create"),
    seen("GET", "/api/v1/campaigns/{id}", WATCH),
    seen("GET", "/api/v1/campaigns/{id}/events", WATCH),
    seen("GET", "/api/v1/campaigns/{id}/prediction", WATCH),
    noted("GET", "/api/v1/campaigns/{id}/results", WATCH, "report.read"),
    noted("POST", "/api/v1/campaigns/{id}/launch", LAUNCH, "campaign.launch"),
    noted("POST", "/api/v1/campaigns/{id}/pause", LAUNCH, "campaign.pause"),
    noted("POST", "/api/v1/campaigns/{id}/resume", LAUNCH, "campaign.resume"),
    noted("POST", "/api/v1/campaigns/{id}/stop", LAUNCH, "campaign.stop"),
    noted("POST", "/api/v1/campaigns/{id}/retry", LAUNCH, "campaign.retry"),
    noted("POST", "/api/v1/campaigns/{id}/extend", LAUNCH, "campaign.extend"),
    noted("PUT", "/api/v1/campaigns/{id}/message", LAUNCH, "campaign.message"),
    noted("GET", "/api/v1/campaigns/{id}/report.xlsx", WATCH, "report.read"),
    noted("GET", "/api/v1/campaigns/{id}/report.pdf", WATCH, "report.read"),
    noted("GET", "/api/v1/campaigns/{id}/report.csv", WATCH, "report.read"),
    noted("GET", "/api/v1/campaigns/{id}/report.json", WATCH, "report.read"),
    seen("GET", "/api/v1/metering", STATISTICS),
    noted("GET", "/api/v1/metering.csv", STATISTICS, "metering.export"),
    noted("GET", "/api/v1/metering.xlsx", STATISTICS, "metering.export"),

    seen("GET", "/api/v1/statements", STATISTICS),
    noted("GET", "/api/v1/statements/{file}", STATISTICS, "statement.read"),
    noted("GET", "/api/v1/statements/kept/{file}", STATISTICS, "statement.read"),

    seen("GET", "/api/v1/users", ADMINISTRATION),
    noted("POST", "/api/v1/users", ADMINISTRATION, "user.create"),
    noted("PUT", "/api/v1/users/{login}", ADMINISTRATION, "user.change"),
    noted("DELETE", "/api/v1/users/{login}", ADMINISTRATION, "user.delete"),
    noted("PUT", "/api/v1/users/{login}/telephone", ADMINISTRATION, "user.telephone"),
    noted("DELETE", "/api/v1/users/{login}/telephone", ADMINISTRATION, "user.telephone"),
    seen("GET", "/api/v1/groups", ADMINISTRATION),
    noted("PUT", "/api/v1/groups/{name}", ADMINISTRATION, "group.change"),
    noted("DELETE", "/api/v1/groups/{name}", ADMINISTRATION, "group.delete"),
    noted("GET", "/api/v1/audit", ADMINISTRATION, "audit.read"),

    seen("GET", "/connexion", Need::Nothing),
    noted("POST", "/connexion", Need::Nothing, "login"),
    noted("POST", "/deconnexion", Need::Session, "logout"),
    seen("GET", "/langue/{tag}", Need::Nothing),
    seen("GET", "/", Need::Session),
    seen("GET", "/campagnes/nouvelle", LAUNCH),
    noted("POST", "/campagnes", LAUNCH, "campaign.create"),
    seen("GET", "/campagnes/{id}", WATCH),
    noted("POST", "/campagnes/{id}/lancer", LAUNCH, "campaign.launch"),
    noted("POST", "/campagnes/{id}/pause", LAUNCH, "campaign.pause"),
    noted("POST", "/campagnes/{id}/reprendre", LAUNCH, "campaign.resume"),
    noted("POST", "/campagnes/{id}/arreter", LAUNCH, "campaign.stop"),
    noted("POST", "/campagnes/{id}/rappeler", LAUNCH, "campaign.retry"),
    noted("POST", "/campagnes/{id}/completer", LAUNCH, "campaign.extend"),
    noted("POST", "/campagnes/{id}/message", LAUNCH, "campaign.message"),
    seen("GET", "/appels", WATCH),
    seen("GET", "/messages", LAUNCH),
    noted("POST", "/messages", LAUNCH, "message.save"),
    noted("GET", "/annuaire", DIRECTORY, "directory.read"),
    noted("GET", "/annuaire/personnes/{id}", DIRECTORY, "directory.read"),
    noted("POST", "/annuaire/personnes/{id}", DIRECTORY, "recipient.change"),
    noted("POST", "/annuaire/personnes/{id}/supprimer", DIRECTORY, "recipient.delete"),
    noted("POST", "/annuaire/personnes/{id}/effacer", DIRECTORY, "person.erase"),
    noted("POST", "/annuaire/personnes/{id}/lien", DIRECTORY, "person.link"),
    noted("GET", "/annuaire/doublons", DIRECTORY, "directory.read"),
    noted("POST", "/annuaire/doublons", DIRECTORY, "recipient.merge"),
    noted("POST", "/annuaire/extraits", DIRECTORY, "extract.refresh"),
    noted("GET", "/moi/{token}", Need::Nothing, "own.read"),
    noted("POST", "/moi/{token}", Need::Nothing, "own.subscription"),
    noted("GET", "/moi/{token}/{form}", Need::Nothing, "own.data"),
    noted("POST", "/annuaire/lecture", DIRECTORY, "directory.preview"),
    noted("POST", "/annuaire/colonnes", DIRECTORY, "directory.preview"),
    noted("POST", "/annuaire/import", DIRECTORY, "directory.import"),
    noted("POST", "/annuaire/imports/{id}/annuler", DIRECTORY, "directory.undo"),
    noted("POST", "/annuaire/listes", DIRECTORY, "list.create"),
    noted("POST", "/annuaire/listes/{id}/supprimer", DIRECTORY, "list.delete"),
    noted("GET", "/statistiques", STATISTICS, "statement.read"),
    seen("GET", "/utilisateurs", ADMINISTRATION),
    noted("POST", "/utilisateurs", ADMINISTRATION, "user.create"),
    noted("POST", "/utilisateurs/{login}", ADMINISTRATION, "user.change"),
    noted("POST", "/utilisateurs/{login}/telephone", ADMINISTRATION, "user.telephone"),
    noted("POST", "/groupes", ADMINISTRATION, "group.change"),
    seen("GET", "/facturation", STATISTICS),
    noted("GET", "/journal", ADMINISTRATION, "audit.read"),
];

/// The rule of a route. `HEAD` is allowed where `GET` is.
pub(crate) fn rule(method: &Method, route: &str) -> Option<&'static Rule> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    RULES.iter().find(|rule| rule.method == method && rule.route == route)
}
