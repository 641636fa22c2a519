//! From a text to a finished campaign and its reports, over the interface.

use std::io::Cursor;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use calamine::{Data, Reader, Xlsx};
use dialer::{CampaignId, Command, ConfirmedBy, Reply};
use serde_json::{Value, json};

use super::kit::World;

/// One try each, so that the campaign ends by itself.
fn once() -> Value {
    json!({ "tries_per_number": 1, "tries_per_recipient": 1 })
}

#[tokio::test]
async fn a_campaign_runs_and_its_reports_agree_in_all_formats() {
    let world = World::new();
    world.populate(50);
    let token = world.login("admin").await;
    let id = world.launched(&token, once()).await;
    let view = world.ended(&token, id).await;
    assert_eq!(
        (view["recipients"].as_u64(), view["confirmed"].as_u64()),
        (Some(50), Some(30)),
        "{view}"
    );
    assert_eq!(view["message_texts"]["fr"], "Ceci est une alerte.");

    let json = world.get(&token, &format!("/campaigns/{id}/report.json")).await.json();
    let counts = json["counts"].as_object().unwrap();
    assert_eq!(json["total"], 50);
    assert_eq!(counts["confirmed"], 30);
    assert_eq!(counts["not-confirmed"], 5);
    assert_eq!(counts["not-answered"], 10);
    assert_eq!(counts["failed"], 5);
    assert_eq!(json["causes"]["busy"], 5);
    assert_eq!(json["attempts"].as_array().unwrap().len(), 50);
    assert!(json["facts"]["cost"].as_f64().unwrap() > 0.0);

    let answer = world.get(&token, &format!("/campaigns/{id}/report.xlsx")).await;
    assert!(
        answer.header("content-disposition").contains("Crue-de-la-Somme.xlsx"),
        "{}",
        answer.header("content-disposition")
    );
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(answer.bytes)).unwrap();
    let people = book.worksheet_range("Destinataires").unwrap();
    let results = |label: &str| people.rows().filter(|row| row[3] == Data::String(label.into())).count();
    assert_eq!(people.height(), 51);
    assert_eq!(
        (
            results("Confirmés"),
            results("Échecs"),
            results("Sans réponse"),
            results("Joints, non confirmés")
        ),
        (30, 5, 10, 5)
    );
    assert_eq!(book.worksheet_range("Appels").unwrap().height(), 51);
    let summary = book.worksheet_range("Synthèse").unwrap();
    let confirmed = summary
        .rows()
        .find(|row| row[0] == Data::String("Confirmés".into()))
        .unwrap();
    assert_eq!(confirmed[1], Data::Float(30.0));

    let csv = world.get(&token, &format!("/campaigns/{id}/report.csv")).await.text();
    assert_eq!(csv.lines().count(), 51);
    assert_eq!(csv.lines().filter(|line| line.contains(";Confirmés;")).count(), 30);
    let calls = world
        .get(&token, &format!("/campaigns/{id}/report.csv?table=attempts"))
        .await
        .text();
    assert_eq!(calls.lines().count(), 51);
    assert!(calls.contains("01 99 00 00 06"), "{calls}");

    let pdf = world.get(&token, &format!("/campaigns/{id}/report.pdf")).await.bytes;
    let text = crate::report::pdf::tests::read_back(&pdf);
    for expected in [
        "Confirmés (30)",
        "Échecs (5)",
        "Sans réponse (10)",
        "Joints, non confirmés (5)",
        "Jeanne Nom0000",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[tokio::test]
async fn confirmations_by_call_back_stand_in_the_head_of_every_report() {
    let world = World::new();
    world.populate(10);
    let token = world.login("admin").await;
    let id = world.launched(&token, once()).await;
    world.ended(&token, id).await;
    let directory = world.desk.services.directory.snapshot();
    let rang_back = Command::Confirm {
        campaign: CampaignId(id),
        recipient: directory.by_key("k6").unwrap().id,
        how: ConfirmedBy::CallBack,
        heard: Some(0),
        by: String::new(),
    };
    let campaigns = world.desk.services.campaigns.clone();
    let reply = tokio::task::spawn_blocking(move || campaigns.command(rang_back));
    assert_eq!(reply.await.unwrap(), Ok(Reply::Done));

    let json = world.get(&token, &format!("/campaigns/{id}/report.json")).await.json();
    assert_eq!(
        (&json["facts"]["by-call-back"], &json["counts"]["confirmed"]),
        (&json!(1), &json!(7))
    );
    let answer = world.get(&token, &format!("/campaigns/{id}/report.xlsx")).await;
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(answer.bytes)).unwrap();
    let summary = book.worksheet_range("Synthèse").unwrap();
    let label = Data::String("Confirmés par rappel".into());
    let row = summary.rows().find(|row| row[0] == label).unwrap();
    assert_eq!(row[1], Data::Float(1.0));
    let pdf = world.get(&token, &format!("/campaigns/{id}/report.pdf")).await.bytes;
    let text = crate::report::pdf::tests::read_back(&pdf);
    assert!(text.contains("Confirmés par rappel"), "{text}");
    let page = world.page(&token, &format!("/campagnes/{id}")).await.text();
    assert!(
        page.contains("<tr><th scope=row>Confirmés par rappel<td class=number >1</tr>"),
        "{page}"
    );
}

#[tokio::test]
async fn a_dry_run_predicts_and_changes_nothing() {
    let world = World::new();
    world.populate(5);
    let token = world.login("admin").await;
    let wanted = json!({ "name": "Essai", "message": { "text": "Bonjour" }, "preset": "exercise", "dry_run": true });
    let answer = world.call(&token, "POST", "/campaigns", wanted).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        (answer.json()["id"].clone(), answer.json()["recipients"].as_u64()),
        (Value::Null, Some(5))
    );
    assert_eq!(world.get(&token, "/campaigns").await.json()["campaigns"], json!([]));
    assert_eq!(world.get(&token, "/messages").await.json()["messages"], json!([]));
}

#[tokio::test]
async fn a_campaign_is_paused_resumed_changed_and_stopped() {
    let world = World::with(Duration::from_millis(300));
    world.populate(20);
    let token = world.login("admin").await;
    let id = world.launched(&token, json!({})).await;
    let state = async |world: &World| world.get(&token, &format!("/campaigns/{id}")).await.json()["state"].clone();
    for (verb, expected) in [("pause", "paused"), ("resume", "running")] {
        let answer = world
            .call(&token, "POST", &format!("/campaigns/{id}/{verb}"), Value::Null)
            .await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
        wait(async || state(&world).await == expected).await;
    }
    let change = json!({ "message": { "text": "Le niveau monte." }, "in_progress": true });
    let answer = world
        .call(&token, "PUT", &format!("/campaigns/{id}/message"), change)
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    wait(async || {
        world.get(&token, &format!("/campaigns/{id}")).await.json()["message_texts"]["fr"] == "Le niveau monte."
    })
    .await;
    let messages = world.get(&token, "/messages").await.json();
    assert_eq!(
        (
            messages["messages"][0]["version"].as_u64(),
            messages["messages"][0]["title"].as_str()
        ),
        (Some(2), Some("Crue"))
    );
    let answer = world
        .call(
            &token,
            "POST",
            &format!("/campaigns/{id}/stop?hang_up=true"),
            Value::Null,
        )
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    wait(async || state(&world).await == "stopped").await;
}

/// The live view follows the dialer within a few hundred milliseconds.
async fn wait(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came");
}

#[tokio::test]
async fn events_tell_the_whole_life_of_a_campaign() {
    let world = World::with(Duration::from_millis(400));
    world.populate(10);
    let token = world.login("admin").await;
    let id = world.launched(&token, once()).await;
    let request = Request::builder()
        .uri(format!("/api/v1/campaigns/{id}/events"))
        .header("authorization", format!("Bearer {token}"));
    let closing = async {
        world.ended(&token, id).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        world.desk.closing.send_replace(true);
    };
    let (answer, ()) = tokio::join!(world.send(request.body(Body::empty()).unwrap()), closing);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let text = answer.text();
    let views: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert!(views.len() >= 2, "{text}");
    assert_eq!(views.last().unwrap()["state"], "ended");
    assert_eq!(views.last().unwrap()["confirmed"], 6);
    assert!(
        text.lines()
            .filter(|line| line.starts_with("event:"))
            .all(|line| line == "event: view")
    );
    let missing = world.get(&token, "/campaigns/999/events").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_message_is_heard_before_and_after_it_is_saved() {
    let world = World::new();
    let token = world.login("admin").await;
    let draft = world
        .call(&token, "POST", "/speech", json!({ "text": "Bonjour" }))
        .await;
    assert_eq!(
        (draft.header("content-type"), &draft.bytes[..4]),
        ("audio/wav", &b"RIFF"[..])
    );
    let texts = json!({ "title": "Crue", "texts": [{ "language": "fr", "text": "Alerte" }, { "language": "en", "text": "A longer alert" }] });
    let saved = world.call(&token, "POST", "/messages", texts).await.json();
    let id = saved["id"].as_u64().unwrap();
    let french = world.get(&token, &format!("/messages/{id}/audio")).await.bytes.len();
    let english = world
        .get(&token, &format!("/messages/{id}/audio?language=en"))
        .await
        .bytes
        .len();
    assert!(english > french);
    assert_eq!(
        world.get(&token, &format!("/messages/{}/audio", id + 1)).await.status,
        StatusCode::NOT_FOUND
    );
}
