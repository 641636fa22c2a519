//! The directory changes while a campaign runs, by every door through which it can.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::kit::World;

/// Waits until every call that the campaign could place at once is over.
async fn rung(world: &World, token: &str, id: u64, attempts: u64) {
    for _ in 0..500 {
        let view = world.get(token, &format!("/campaigns/{id}")).await.json();
        let under_way = ["calling", "ringing", "speaking"].iter().any(|phase| view[phase] != 0);
        if view["attempts"] == attempts && !under_way {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{}", world.get(token, &format!("/campaigns/{id}")).await.text());
}

/// How each recipient ended, by the last column that tells it in full.
async fn details(world: &World, token: &str, id: u64) -> Vec<String> {
    let report = world.get(token, &format!("/campaigns/{id}/report.json")).await.json();
    let rows = report["recipients"].as_array().unwrap();
    rows.iter()
        .map(|row| row["detail"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_campaign_under_way_follows_the_directory() {
    let world = World::new();
    let token = world.login("admin").await;
    // Whose number ends in 6 is always busy, and called again a minute later.
    for n in 1..=5 {
        let person = json!({ "key": format!("k{n}"), "name": format!("Nom{n}"),
            "numbers": [{ "e164": format!("+331990000{n}6"), "kind": "landline", "voice": true, "sms": false }] });
        let made = world.call(&token, "POST", "/recipients", person).await;
        assert_eq!(made.status, StatusCode::CREATED);
    }
    let id = world.launched(&token, json!({})).await;
    rung(&world, &token, id, 5).await;

    // Removed by a program, removed by a form, unsubscribed by the person, erased, corrected by a form.
    let removed = world.call(&token, "DELETE", "/recipients/1", Value::Null).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let page = world.page(&token, "/annuaire/personnes/2").await.text();
    assert!(page.contains("y compris par les campagnes en cours"), "{page}");
    let removed = world.form(&token, "/annuaire/personnes/2/supprimer", "").await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER);
    let link = world
        .call(&token, "POST", "/recipients/3/link", Value::Null)
        .await
        .json();
    let wish = Request::builder()
        .method("POST")
        .uri(link["path"].as_str().unwrap())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("abonne=non"))
        .unwrap();
    assert_eq!(world.send(wish).await.status, StatusCode::SEE_OTHER);
    let erased = world.call(&token, "POST", "/recipients/4/erase", Value::Null).await;
    assert_eq!(erased.status, StatusCode::NO_CONTENT);
    let corrected = world
        .form(
            &token,
            "/annuaire/personnes/5",
            "revision=1&name=Nom5&key=k5&number1=0199000151&voice1=1",
        )
        .await;
    assert_eq!(corrected.status, StatusCode::SEE_OTHER, "{}", corrected.text());
    assert!(!world.desk.services.directory.has_untold().unwrap());

    // Nobody is left to wait for: the campaign ends long before the busy lines would have been called again.
    let view = world.ended(&token, id).await;
    assert_eq!(
        (view["confirmed"].as_u64(), view["attempts"].as_u64()),
        (Some(1), Some(6))
    );
    let gone = "Plus appelé : retiré de l’annuaire ou désabonné pendant la campagne";
    let expected = [gone, gone, gone, gone, "Confirmé par une touche"];
    let details = details(&world, &token, id).await;
    assert_eq!(details[..4], expected[..4], "{details:?}");
    assert!(details[4].starts_with("Confirmé"), "{details:?}");
    let report = world.get(&token, &format!("/campaigns/{id}/report.json")).await.json();
    assert_eq!(report["counts"]["withdrawn"], 4);
}

#[tokio::test]
async fn what_was_not_told_before_a_crash_is_told_at_the_start() {
    let world = World::new();
    let token = world.login("admin").await;
    world.populate(7);
    let id = world.launched(&token, json!({})).await;
    rung(&world, &token, id, 7).await;
    // The directory has the change on disk; whoever made it did not come to tell.
    let shared = &world.desk.services.directory;
    let busy = shared.snapshot().by_key("k6").unwrap().id;
    shared.remove(&[busy]).unwrap();
    assert!(shared.has_untold().unwrap());
    crate::renewal::tell(&world.desk, "").await;
    assert!(!shared.has_untold().unwrap());
    let view = world.ended(&token, id).await;
    assert_eq!(
        (view["confirmed"].as_u64(), view["attempts"].as_u64()),
        (Some(6), Some(7))
    );
}
