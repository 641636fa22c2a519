//! Who may do what: every line of the table, for every kind of user, through the real router.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::kit::{PASSWORD, World};
use crate::access::{Need, RULES};
use crate::users::Right;

/// What a group of one right may do, written a second time and in another shape than the table, so that a slip in one is seen.
fn expected(route: &str, method: &str, right: Option<Right>) -> bool {
    use Right::{Administration, Directory, Launch, Statistics};
    let open = [
        "/health",
        "/assets/{file}",
        "/api/v1/openapi.json",
        "/api/v1/login",
        "/connexion",
        "/langue/{tag}",
        "/moi/{token}",
        "/moi/{token}/{form}",
    ];
    let signed = [
        "/api/v1/logout",
        "/api/v1/me",
        "/api/v1/me/password",
        "/api/v1/communes",
        "/deconnexion",
        "/",
    ];
    if open.contains(&route) {
        return true;
    }
    let Some(right) = right else { return false };
    if signed.contains(&route) {
        return true;
    }
    let has = |part: &str| route.contains(part);
    match right {
        Administration => has("user") || has("utilisateurs") || has("group") || has("audit") || route == "/journal",
        Directory => {
            has("import")
                || has("recipients")
                || has("lists")
                || has("annuaire")
                || has("selections")
                || has("duplicates")
                || has("extracts")
        }
        Launch => {
            has("campaigns")
                || has("campagnes")
                || has("messages")
                || has("speech")
                || has("live")
                || has("calls")
                || has("appels")
                || has("selections")
                || (route == "/api/v1/lists" && method == "GET")
        }
        Statistics => {
            let reads =
                method == "GET" && (has("api/v1/campaigns") || has("api/v1/messages") || has("live") || has("calls"));
            reads
                || (method == "GET" && ["/campagnes/{id}", "/appels"].contains(&route))
                || ["metering", "statements"].into_iter().any(has)
                || ["/facturation", "/statistiques"].contains(&route)
        }
    }
}

#[tokio::test]
async fn every_route_lets_through_those_and_only_those_who_have_the_right() {
    let world = World::new();
    let admin = world.login("admin").await;
    let mut tokens = vec![(None, String::new())];
    for right in Right::ALL {
        let group = format!("seul-{}", right.name());
        let rights = json!({ "rights": [right.name()] });
        assert_eq!(
            world
                .call(&admin, "PUT", &format!("/groups/{group}"), rights)
                .await
                .status,
            StatusCode::NO_CONTENT
        );
        let login = right.name();
        let _ = world.user_of(&admin, login, &group).await;
        tokens.push((Some(right), login.to_owned()));
    }
    for rule in RULES.iter().filter(|rule| rule.route != "/metrics") {
        for (right, login) in &tokens {
            // A fresh session each time: logout is one of the routes.
            let token = match right {
                Some(_) => world.desk.sessions.start(login, crate::desk::now_ms()),
                None => String::new(),
            };
            let path = rule
                .route
                .replace("{id}", "999999")
                .replace("{login}", "nobody-else")
                .replace("{name}", "nowhere")
                // Without a campaign the events go on for ever.
                .replace("calls/events", "calls/events?campaign=999999");
            let path = path
                .replace("{file}", "console.css")
                .replace("{tag}", "fr")
                .replace("{token}", "1-2-3")
                .replace("{form}", "json");
            let mut request = Request::builder()
                .method(rule.method)
                .uri(&path)
                .header("content-type", "application/json");
            if !token.is_empty() {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let answer = world.send(request.body(Body::from("{}")).unwrap()).await;
            let to_login = answer.status == StatusCode::SEE_OTHER
                && answer.header("location") == "/connexion"
                && (token.is_empty() || rule.route != "/deconnexion");
            let refused =
                answer.status == StatusCode::FORBIDDEN || answer.status == StatusCode::UNAUTHORIZED || to_login;
            let allowed = expected(rule.route, rule.method, *right);
            // The password route asks for the present password, and an administrator's home page is elsewhere.
            if rule.route == "/api/v1/me/password" && right.is_some() || rule.route == "/api/v1/login" {
                continue;
            }
            assert_eq!(
                !refused,
                allowed,
                "{} {} as {right:?}: {} {}",
                rule.method,
                rule.route,
                answer.status,
                answer.text()
            );
            assert_ne!(
                answer.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{} {} is not in the router",
                rule.method,
                rule.route
            );
            assert!(
                answer.status.as_u16() < 500,
                "{} {}: {}",
                rule.method,
                rule.route,
                answer.text()
            );
        }
    }
}

#[tokio::test]
async fn what_the_table_does_not_name_is_refused() {
    let world = World::new();
    let admin = world.login("admin").await;
    assert_eq!(world.get(&admin, "/nothing").await.status, StatusCode::NOT_FOUND);
    let answer = world.call(&admin, "DELETE", "/campaigns", Value::Null).await;
    assert_eq!(
        (answer.status, answer.json()["error"].as_str()),
        (StatusCode::METHOD_NOT_ALLOWED, Some("method_not_allowed"))
    );
    assert!(RULES.iter().all(|rule| rule.traced != rule.operation.is_empty()));
    assert!(
        RULES
            .iter()
            .all(|rule| rule.traced || rule.method == "GET" || rule.need != Need::Nothing)
    );
}

#[tokio::test]
async fn a_change_of_rights_has_effect_on_open_sessions_at_once() {
    let world = World::new();
    let admin = world.login("admin").await;
    let lea = world.user_of(&admin, "lea", "Statistiques").await;
    assert_eq!(world.get(&lea, "/campaigns").await.status, StatusCode::OK);
    assert_eq!(world.get(&lea, "/recipients").await.status, StatusCode::FORBIDDEN);
    let rights = json!({ "rights": ["directory"] });
    assert_eq!(
        world.call(&admin, "PUT", "/groups/Statistiques", rights).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(world.get(&lea, "/campaigns").await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.get(&lea, "/recipients").await.status, StatusCode::OK);
    let disabled = json!({ "groups": ["Statistiques"], "disabled": true });
    assert_eq!(
        world.call(&admin, "PUT", "/users/lea", disabled).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(world.get(&lea, "/recipients").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guessing_passwords_is_slowed_and_says_for_how_long() {
    let world = World::new();
    let guess = json!({ "user": "admin", "password": "wrong" });
    for _ in 0..10 {
        assert_eq!(
            world.call("", "POST", "/login", guess.clone()).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    let answer = world
        .call("", "POST", "/login", json!({ "user": "admin", "password": PASSWORD }))
        .await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 200);
    let unknown = world
        .call("", "POST", "/login", json!({ "user": "nobody", "password": "x" }))
        .await;
    assert_eq!(
        unknown.status,
        StatusCode::TOO_MANY_REQUESTS,
        "whoever is named, the address is what counts"
    );
}

#[tokio::test]
async fn a_cookie_alone_changes_nothing() {
    let world = World::new();
    let admin = world.login("admin").await;
    let request = |name: &str, value: &str| {
        Request::builder()
            .method("POST")
            .uri("/api/v1/messages")
            .header("cookie", format!("__Host-tocsin={admin}"))
            .header("host", "tocsin.example")
            .header(name, value)
            .body(Body::from(json!({ "title": "a", "text": "b" }).to_string()))
            .unwrap()
    };
    assert_eq!(world.send(request("accept", "*/*")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        world.send(request("x-csrf-token", "0000")).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        world.send(request("origin", "https://evil.example")).await.status,
        StatusCode::FORBIDDEN
    );
    let word = crate::sessions::form_word(&admin);
    assert_eq!(
        world.send(request("x-csrf-token", &word)).await.status,
        StatusCode::CREATED
    );
    let form = world.form(&admin, "/messages", "title=a&text=b").await;
    assert_eq!(form.status, StatusCode::SEE_OTHER, "{}", form.text());
}

#[tokio::test]
async fn a_user_changes_the_own_password_and_other_sessions_end() {
    let world = World::new();
    let admin = world.login("admin").await;
    let lea = world.user_of(&admin, "lea", "Annuaire").await;
    let wrong = json!({ "current": "nope", "new": "a much longer one" });
    assert_eq!(
        world.call(&lea, "PUT", "/me/password", wrong).await.status,
        StatusCode::FORBIDDEN
    );
    let weak = json!({ "current": PASSWORD, "new": "short" });
    assert_eq!(
        world.call(&lea, "PUT", "/me/password", weak).await.json()["error"],
        "weak_password"
    );
    let good = json!({ "current": PASSWORD, "new": "a much longer one" });
    assert_eq!(
        world.call(&lea, "PUT", "/me/password", good).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(world.get(&lea, "/me").await.status, StatusCode::UNAUTHORIZED);
}
