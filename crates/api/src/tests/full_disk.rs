//! The disk is full: people see it wherever they look, and come and go as they please.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::kit::World;

/// Waits until the live view has the alarm, or has it no more.
async fn alarmed(world: &World, is_so: bool) {
    for _ in 0..1000 {
        if world.desk.services.campaigns.view().journal.alarm.is_some() == is_so {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the alarm did not change to {is_so}");
}

#[tokio::test]
async fn the_page_of_a_campaign_shows_the_alarm_and_its_events_tell_of_it() {
    // Calls that last, so that the campaign is under way.
    let world = World::with(Duration::from_secs(3));
    world.populate(3);
    let token = world.login("admin").await;
    let id = world.launched(&token, json!({})).await;
    let quiet = world.page(&token, &format!("/campagnes/{id}")).await.text();
    assert!(quiet.contains("role=alert data-alarm hidden>"), "{quiet}");
    let request = Request::builder()
        .uri(format!("/api/v1/campaigns/{id}/events"))
        .header("authorization", format!("Bearer {token}"));
    let story = async {
        world.faults.is_full.store(true, Ordering::Relaxed);
        // In force although it cannot be written down.
        let paused = world
            .call(&token, "POST", &format!("/campaigns/{id}/pause"), Value::Null)
            .await;
        assert_eq!(paused.status, StatusCode::NO_CONTENT, "{}", paused.text());
        alarmed(&world, true).await;
        for place in ["/".to_owned(), format!("/campagnes/{id}")] {
            let page = world.page(&token, &place).await.text();
            let shown = page.contains("data-alarm >Le journal des campagnes ne peut pas être écrit");
            assert!(shown, "{place}: {page}");
        }
        tokio::time::sleep(Duration::from_millis(600)).await;
        world.faults.is_full.store(false, Ordering::Relaxed);
        alarmed(&world, false).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        world.desk.closing.send_replace(true);
    };
    let (answer, ()) = tokio::join!(world.send(request.body(Body::empty()).unwrap()), story);
    let text = answer.text();
    let mut lines = text.lines();
    let mut told = Vec::new();
    while let Some(line) = lines.next() {
        if line == "event: alarm" {
            let data = lines.next().and_then(|line| line.strip_prefix("data: ")).unwrap();
            let data: Value = serde_json::from_str(data).unwrap();
            told.push(data["alarm"].is_string());
        }
    }
    assert_eq!(told, [true, false], "{text}");
}

#[tokio::test]
async fn who_signs_out_while_nothing_can_be_written_is_out() {
    let world = World::new();
    let token = world.login("admin").await;
    let browser = world.login("admin").await;
    // No folder, no file: as if the disk took nothing.
    let away = world.folder.path().join("away");
    std::fs::rename(world.folder.path().join("sessions.json"), &away).unwrap();
    std::fs::create_dir(world.folder.path().join("sessions.json")).unwrap();
    let out = world.call(&token, "POST", "/logout", Value::Null).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.text());
    assert_eq!(world.get(&token, "/me").await.status, StatusCode::UNAUTHORIZED);
    let out = world.form(&browser, "/deconnexion", "").await;
    assert_eq!(out.status, StatusCode::SEE_OTHER, "{}", out.text());
    assert!(
        out.header("set-cookie").contains("Max-Age=0"),
        "{}",
        out.header("set-cookie")
    );
    assert_eq!(world.get(&browser, "/me").await.status, StatusCode::UNAUTHORIZED);
}
