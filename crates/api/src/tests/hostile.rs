//! What nobody should send, and somebody will.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::kit::World;

#[tokio::test]
async fn bad_bodies_ids_and_queries_get_a_code_and_a_sentence() {
    let world = World::new();
    world.populate(1);
    let admin = world.login("admin").await;
    let id = world.launched(&admin, json!({})).await;
    let cases: Vec<(&str, String, String, u16, &str)> = vec![
        ("POST", "/campaigns".into(), "{".into(), 400, "bad_json"),
        ("POST", "/campaigns".into(), "[]".into(), 400, "bad_json"),
        ("POST", "/campaigns".into(), "\u{0}".into(), 400, "bad_json"),
        (
            "POST",
            "/campaigns".into(),
            r#"{"name":"a","message":1,"nonsense":1}"#.into(),
            400,
            "bad_json",
        ),
        (
            "POST",
            "/campaigns".into(),
            r#"{"name":"","message":1}"#.into(),
            422,
            "bad_name",
        ),
        (
            "POST",
            "/campaigns".into(),
            r#"{"name":"a\nb","message":1}"#.into(),
            422,
            "bad_name",
        ),
        (
            "POST",
            "/campaigns".into(),
            r#"{"name":"a","message":77}"#.into(),
            404,
            "no_message",
        ),
        (
            "POST",
            "/campaigns".into(),
            r#"{"name":"a","message":{"text":"  "}}"#.into(),
            422,
            "empty_message",
        ),
        (
            "POST",
            "/campaigns".into(),
            r#"{"name":"a","message":{"text":"b"},"list":"x"}"#.into(),
            404,
            "no_list",
        ),
        (
            "POST",
            "/campaigns".into(),
            r#"{"name":"a","message":{"text":"b"},"policy":{"repeats":0}}"#.into(),
            422,
            "bad_policy",
        ),
        (
            "POST",
            "/campaigns".into(),
            r#"{"name":"a","message":{"text":"b"},"selection":{"recipients":[]}}"#.into(),
            422,
            "no_recipients",
        ),
        (
            "POST",
            "/campaigns".into(),
            format!(r#"{{"name":"a","message":{{"text":"{}"}}}}"#, "x".repeat(9000)),
            422,
            "text_too_long",
        ),
        (
            "POST",
            "/campaigns".into(),
            r#"{"name":"a","message":{"text":"b","language":"klingon!"}}"#.into(),
            422,
            "bad_language",
        ),
        (
            "POST",
            "/campaigns/999/launch".into(),
            String::new(),
            404,
            "no_campaign",
        ),
        ("POST", "/campaigns/-1/launch".into(), String::new(), 404, "not_found"),
        (
            "POST",
            "/campaigns/99999999999999999999/launch".into(),
            String::new(),
            404,
            "not_found",
        ),
        ("GET", "/campaigns/%2e%2e%2fetc".into(), String::new(), 404, "not_found"),
        (
            "POST",
            format!("/campaigns/{id}/launch"),
            String::new(),
            409,
            "campaign_state",
        ),
        ("GET", "/recipients?limit=many".into(), String::new(), 400, "bad_query"),
        ("GET", "/messages/1/audio?language=xx".into(), String::new(), 200, ""),
        (
            "POST",
            "/speech".into(),
            r#"{"text":"a","language":"xx"}"#.into(),
            422,
            "no_voice",
        ),
        ("PUT", "/recipients/0".into(), "{}".into(), 404, "no_recipient"),
        ("DELETE", "/lists/0".into(), String::new(), 409, "global_list"),
        (
            "DELETE",
            "/users/admin".into(),
            String::new(),
            409,
            "last_administrator",
        ),
        (
            "POST",
            "/users".into(),
            r#"{"login":"x","groups":["nowhere"],"password":"long enough, this"}"#.into(),
            404,
            "unknown_user_or_group",
        ),
    ];
    for (method, path, body, status, code) in cases {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {admin}"))
            .header("accept-language", "en")
            .body(Body::from(body))
            .unwrap();
        let answer = world.send(request).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.text());
        if !code.is_empty() {
            let json = answer.json();
            assert_eq!(json["error"], code, "{method} {path}: {json}");
            assert!(json["message"].as_str().unwrap().len() > 10, "{json}");
        }
    }
}

#[tokio::test]
async fn sentences_follow_the_readers_language() {
    let world = World::new();
    for (language, expected) in [
        ("fr-FR,fr;q=0.9", "Connectez-vous"),
        ("en", "Log in"),
        ("", "Connectez-vous"),
    ] {
        let request = Request::builder()
            .uri("/api/v1/campaigns")
            .header("accept-language", language)
            .body(Body::empty())
            .unwrap();
        let answer = world.send(request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(
            answer.json()["message"].as_str().unwrap().starts_with(expected),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn giant_bodies_are_refused() {
    let world = World::new();
    let admin = world.login("admin").await;
    let big = Value::String("x".repeat(300 << 10));
    let answer = world
        .call(&admin, "POST", "/messages", json!({ "title": "a", "text": big }))
        .await;
    assert_eq!(
        (answer.status, answer.json()["error"].as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, Some("too_large"))
    );
    let request = Request::builder()
        .method("POST")
        .uri("/api/v1/imports")
        .header("authorization", format!("Bearer {admin}"))
        .body(Body::from(vec![b'x'; 33 << 20]))
        .unwrap();
    assert_eq!(world.send(request).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let login = Request::builder()
        .method("POST")
        .uri("/connexion")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("user=admin&password={}", "x".repeat(300 << 10))))
        .unwrap();
    assert!(world.send(login).await.status.is_client_error());
}

#[tokio::test]
async fn every_answer_carries_the_protecting_headers() {
    let world = World::new();
    for path in [
        "/connexion",
        "/api/v1/nothing",
        "/assets/console.js",
        "/health",
        "/metrics",
    ] {
        let answer = world
            .send(Request::builder().uri(path).body(Body::empty()).unwrap())
            .await;
        assert!(
            answer.header("content-security-policy").contains("default-src 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(
            answer.header("strict-transport-security").starts_with("max-age="),
            "{path}"
        );
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
    assert_eq!(
        world
            .send(Request::builder().uri("/metrics").body(Body::empty()).unwrap())
            .await
            .status,
        StatusCode::FORBIDDEN
    );
}
