//! Spreadsheets, lists, selections over the interface.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::kit::{Answer, World};

async fn import(world: &World, token: &str, query: &str, name: &str, bytes: &[u8]) -> Answer {
    let request = Request::builder()
        .method("POST")
        .uri(format!("/api/v1/imports?{query}"))
        .header("authorization", format!("Bearer {token}"))
        .header("x-file-name", name)
        .body(Body::from(bytes.to_vec()))
        .unwrap();
    world.send(request).await
}

const FILE: &str = "Nom;Prénom;Fonction;Téléphone\nMartin;Jeanne;Maire;01 99 00 12 34\nPetit;Paul;Maire;112\nDurand;Anne;Adjointe;06 39 98 00 01\n";

#[tokio::test]
async fn a_spreadsheet_is_looked_at_then_imported_into_a_list_then_taken_back() {
    let world = World::new();
    let token = world.login("admin").await;
    let look = import(
        &world,
        &token,
        "dry_run=true&list=Maires",
        "maires.csv",
        FILE.as_bytes(),
    )
    .await;
    assert_eq!(look.status, StatusCode::OK, "{}", look.text());
    let look = look.json();
    assert_eq!(
        (
            look["read"].as_u64(),
            look["created"].as_u64(),
            look["rejected"].as_u64()
        ),
        (Some(2), Some(2), Some(1)),
        "{look}"
    );
    let problem = &look["problems"][0];
    assert_eq!(
        (problem["line"].as_u64(), problem["value"].as_str()),
        (Some(3), Some("112")),
        "{look}"
    );
    assert_eq!(problem["reason"], "Un numéro court ne peut pas être appelé");
    assert_eq!(
        world.get(&token, "/recipients").await.json()["total"],
        0,
        "a dry run changes nothing"
    );

    let done = import(&world, &token, "list=Maires", "maires.csv", FILE.as_bytes())
        .await
        .json();
    assert_eq!(done["created"], 2);
    let lists = world.get(&token, "/lists").await.json();
    let maires = lists["lists"]
        .as_array()
        .unwrap()
        .iter()
        .find(|list| list["name"] == "Maires")
        .unwrap()
        .clone();
    assert_eq!(maires["recipients"], 2);
    let found = world.get(&token, "/recipients?search=durand%2006399800").await.json();
    assert_eq!(
        (found["total"].as_u64(), found["recipients"][0]["first_name"].as_str()),
        (Some(1), Some("Anne"))
    );
    let export = world
        .get(&token, &format!("/lists/{}/export?format=csv", maires["id"]))
        .await;
    assert!(export.text().contains("Martin"), "{}", export.text());
    let preview = world
        .call(&token, "POST", "/selections/preview", json!({ "list": "Maires" }))
        .await
        .json();
    assert_eq!(preview["callable"], 2);

    let imports = world.get(&token, "/imports").await.json();
    let id = imports["imports"][0]["id"].as_u64().unwrap();
    assert_eq!(
        world
            .call(&token, "POST", &format!("/imports/{id}/undo"), Value::Null)
            .await
            .json()["removed"],
        2
    );
    assert_eq!(world.get(&token, "/recipients").await.json()["total"], 0);
    assert_eq!(
        world
            .call(&token, "POST", "/imports/999/undo", Value::Null)
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_file_larger_than_usual_bodies_is_read() {
    let world = World::new();
    let token = world.login("admin").await;
    let rows: String = (0..12_000).map(|n| format!("k{n};Nom{n};0199{n:06}\n")).collect();
    let file = format!("Code;Nom;Téléphone\n{rows}");
    assert!(file.len() > 256 << 10);
    let done = import(&world, &token, "list=Tous", "tous.csv", file.as_bytes()).await;
    assert_eq!(
        (done.status, done.json()["created"].as_u64()),
        (StatusCode::OK, Some(12_000)),
        "{}",
        done.text()
    );
}

#[tokio::test]
async fn files_that_are_no_spreadsheets_are_told_apart() {
    let world = World::new();
    let token = world.login("admin").await;
    for (name, bytes, status, code) in [
        ("a.csv", &b""[..], 422, "file_empty"),
        ("a.pdf", b"%PDF-1.7 ...", 415, "file_type"),
        ("a.xlsx", b"PK\x03\x04 damaged", 422, "file_damaged"),
        ("a.csv", b"a;b\n1;2\n", 422, "file_no_number"),
    ] {
        let answer = import(&world, &token, "dry_run=true", name, bytes).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (status, Some(code)),
            "{name}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn recipients_and_lists_are_made_changed_and_erased() {
    let world = World::new();
    let token = world.login("admin").await;
    let person = json!({ "key": "a", "name": "Martin", "numbers": [{ "e164": "+33199001234", "kind": "landline", "voice": true, "sms": false }] });
    let made = world.call(&token, "POST", "/recipients", person.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let id = made.json()["id"].as_u64().unwrap();
    assert_eq!(
        world.call(&token, "POST", "/recipients", person.clone()).await.json()["error"],
        "name_taken"
    );
    let mut change = person;
    change["revision"] = json!(9);
    assert_eq!(
        world
            .call(&token, "PUT", &format!("/recipients/{id}"), change.clone())
            .await
            .json()["error"],
        "changed_meanwhile"
    );
    change["revision"] = json!(1);
    assert_eq!(
        world
            .call(&token, "PUT", &format!("/recipients/{id}"), change)
            .await
            .status,
        StatusCode::NO_CONTENT
    );

    let list = json!({ "name": "Deux", "content": { "static": [id] } });
    let made = world.call(&token, "POST", "/lists", list).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let list = made.json()["id"].as_u64().unwrap();
    assert_eq!(
        world.get(&token, &format!("/recipients?list={list}")).await.json()["total"],
        1
    );
    assert_eq!(
        world
            .call(&token, "DELETE", &format!("/lists/{list}"), Value::Null)
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        world
            .call(&token, "DELETE", &format!("/recipients/{id}"), Value::Null)
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(world.get(&token, "/recipients").await.json()["total"], 0);
    assert!(
        world.get(&token, "/communes").await.json()["communes"]
            .as_array()
            .unwrap()
            .len()
            > 700
    );
}

#[tokio::test]
async fn a_recipient_with_a_text_that_is_too_long_is_refused_and_nothing_is_stored() {
    let world = World::new();
    let token = world.login("admin").await;
    let person = json!({ "key": "a", "name": "Martin", "numbers": [{ "e164": "+33199001234", "kind": "landline", "voice": true, "sms": false }] });
    let most = "é".repeat(1000);
    let long = format!("{most}e");
    let many = vec!["g"; 400];
    let cases = [
        ("key", json!(long), "1000"),
        ("name", json!(long), "1000"),
        ("first_name", json!(long), "1000"),
        ("function", json!(long), "1000"),
        ("domain", json!(long), "1000"),
        ("email", json!(format!("{}@somme.example", "a".repeat(250))), "254"),
        ("groups", json!([long]), "1000"),
        ("groups", json!(many), "1000"),
        ("groups", json!(vec![""; 600]), "1000"),
    ];
    for path in ["/recipients", "/recipients?again=true"] {
        for (field, value, most) in &cases {
            let mut wrong = person.clone();
            wrong[*field] = value.clone();
            let refused = world.call(&token, "POST", path, wrong).await;
            assert_eq!(
                refused.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{field}: {}",
                refused.text()
            );
            let refused = refused.json();
            assert_eq!(
                (&refused["error"], &refused["field"], &refused["most"]),
                (&json!("field_too_long"), &json!(field), &json!(most))
            );
            assert!(refused["message"].as_str().unwrap().contains(most), "{refused}");
        }
    }
    // A commune is its INSEE code, a number has at most 15 digits: whatever is longer is no commune, no number.
    for (field, value) in [
        ("commune", json!(long)),
        ("language", json!(long)),
        ("numbers", json!([{ "e164": "1".repeat(999) }])),
    ] {
        let mut wrong = person.clone();
        wrong[field] = value;
        let refused = world.call(&token, "POST", "/recipients", wrong).await;
        assert!(refused.status.is_client_error(), "{field}: {}", refused.text());
    }
    assert_eq!(world.get(&token, "/recipients").await.json()["total"], 0);

    let mut fits = person.clone();
    fits["name"] = json!(most);
    fits["groups"] = json!(vec!["g"; 334]);
    let made = world.call(&token, "POST", "/recipients", fits.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let path = format!("/recipients/{}", made.json()["id"]);
    let mut wrong = fits;
    wrong["revision"] = json!(1);
    wrong["function"] = json!(long);
    let refused = world.call(&token, "PUT", &path, wrong).await;
    assert_eq!(refused.json()["error"], "field_too_long", "{}", refused.text());
    let kept = world.get(&token, "/recipients").await.json();
    assert_eq!(
        (&kept["recipients"][0]["revision"], &kept["recipients"][0]["function"]),
        (&json!(1), &json!(""))
    );
}
