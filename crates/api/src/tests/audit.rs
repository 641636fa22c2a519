//! Every operation leaves its line: who, what, on what, from where, with which result (R28).

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::kit::World;
use crate::desk::Peer;

#[tokio::test]
async fn each_operation_is_found_with_its_author_object_and_result() {
    let world = World::new();
    world.populate(3);
    let admin = world.login("admin").await;
    let lea = world.user_of(&admin, "lea", "Déclenchement").await;
    let id = world.launched(&lea, json!({})).await;
    world.ended(&lea, id).await;
    world
        .call(&lea, "POST", &format!("/campaigns/{id}/retry"), Value::Null)
        .await;
    world.get(&lea, &format!("/campaigns/{id}/report.csv")).await;
    world.call(&lea, "DELETE", "/recipients/1", Value::Null).await;
    world.call(&lea, "POST", "/logout", Value::Null).await;
    world
        .call("", "POST", "/login", json!({ "user": "intrus", "password": "x" }))
        .await;

    let trail = world.get(&admin, "/audit").await.json();
    let lines: Vec<(String, String, String, u64)> = trail["entries"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            (
                text("user"),
                text("operation"),
                text("target"),
                entry["status"].as_u64().unwrap(),
            )
        })
        .collect();
    let id = id.to_string();
    let expected = [
        ("admin", "login", "admin", 200),
        ("admin", "user.create", "lea", 201),
        ("lea", "login", "lea", 200),
        ("lea", "campaign.create", id.as_str(), 201),
        ("lea", "campaign.retry", id.as_str(), 204),
        ("lea", "report.read", id.as_str(), 200),
        ("lea", "recipient.delete", "1", 403),
        ("lea", "logout", "", 204),
        ("", "login", "intrus", 401),
    ];
    let found: Vec<(&str, &str, &str, u64)> = lines
        .iter()
        .map(|(a, b, c, d)| (a.as_str(), b.as_str(), c.as_str(), *d))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(
        crate::audit::verify(&world.folder.path().join("audit.jsonl")).unwrap(),
        10,
        "reading the trail is written too"
    );
}

#[tokio::test]
async fn the_trail_can_be_searched_and_shows_where_from() {
    let world = World::new();
    let admin = world.login("admin").await;
    let mut request = Request::builder()
        .method("POST")
        .uri("/api/v1/messages")
        .header("authorization", format!("Bearer {admin}"))
        .body(Body::from(json!({ "title": "a", "text": "b" }).to_string()))
        .unwrap();
    request
        .extensions_mut()
        .insert(Peer("192.0.2.7".parse::<IpAddr>().unwrap()));
    assert_eq!(world.send(request).await.status, StatusCode::CREATED);
    let found = world
        .get(&admin, "/audit?operation=message&user=admin&limit=5")
        .await
        .json();
    assert_eq!(found["entries"].as_array().unwrap().len(), 1);
    assert_eq!(found["entries"][0]["address"], "192.0.2.7");
    assert!(found["entries"][0]["utc_ms"].as_i64().unwrap() > 1_700_000_000_000);
    let older = found["before"].as_u64().unwrap();
    let before = world.get(&admin, &format!("/audit?before={older}")).await.json();
    assert!(
        before["entries"]
            .as_array()
            .unwrap()
            .iter()
            .all(|entry| entry["number"].as_u64().unwrap() < older)
    );
    let page = world.page(&admin, "/journal?operation=message").await;
    assert!(page.text().contains("Enregistrement d’un message"), "{}", page.text());
}
