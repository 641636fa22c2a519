//! Calls in progress, as the table has them.

use axum::http::StatusCode;
use dialer::{AttemptId, CallPhase, CallState, CampaignId, E164, RecipientId, TrunkIndex};
use serde_json::json;

use super::kit::World;

fn put(world: &World, attempt: u64, campaign: u64, phase: CallPhase, since_ms: i64) {
    let state = CallState {
        campaign: CampaignId(campaign),
        recipient: RecipientId(1),
        number: E164::parse("01 99 00 00 01").unwrap(),
        trunk: TrunkIndex(0),
        phase,
        since_ms,
    };
    world.desk.services.calls.insert(AttemptId(attempt), state);
}

#[tokio::test]
async fn the_table_is_shown_the_farthest_and_longest_calls_first() {
    let world = World::new();
    world.populate(3);
    let token = world.login("admin").await;
    let id = world
        .launched(&token, json!({ "tries_per_number": 1, "tries_per_recipient": 1 }))
        .await;
    world.ended(&token, id).await;
    put(&world, 1, id, CallPhase::Calling, 100);
    put(&world, 2, id, CallPhase::Speaking, 300);
    put(&world, 3, id, CallPhase::Speaking, 200);
    put(&world, 4, 99, CallPhase::Ringing, 50);

    let all = world.get(&token, "/calls").await.json();
    let order: Vec<_> = all["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["attempt"].as_u64().unwrap())
        .collect();
    assert_eq!(order, [3, 2, 4, 1]);
    assert_eq!(all["total"], 4);
    assert_eq!(all["phases"]["speaking"], 2);
    assert_eq!(all["phases"]["confirmed"], 0);
    let first = &all["calls"][0];
    assert_eq!(first["number"], "0199000001");
    assert_eq!(first["phase"], "speaking");
    assert_ne!(first["name"], "");
    assert_ne!(first["trunk"], "");
    assert_ne!(first["campaign_name"], "");

    let own = world.get(&token, &format!("/calls?campaign={id}&limit=1")).await.json();
    assert_eq!(
        (own["total"].as_u64(), own["calls"].as_array().unwrap().len()),
        (Some(3), 1)
    );
    assert_eq!(
        world.get(&token, "/calls/events?campaign=999").await.status,
        StatusCode::NOT_FOUND
    );

    // Looking at people's calls is traced.
    let trail = world.get(&token, "/audit?operation=calls.read").await.json();
    assert!(
        trail["entries"].as_array().is_some_and(|entries| entries.len() >= 2),
        "{trail}"
    );
}

#[tokio::test]
async fn the_panel_is_on_its_page_and_on_the_campaigns_without_names_in_the_page_itself() {
    let world = World::new();
    world.populate(1);
    let token = world.login("admin").await;
    let id = world
        .launched(&token, json!({ "tries_per_number": 1, "tries_per_recipient": 1 }))
        .await;
    put(&world, 7, id, CallPhase::Ringing, 100);
    for path in ["/appels".to_owned(), format!("/campagnes/{id}")] {
        let text = world.page(&token, &path).await.text();
        assert!(text.contains("data-calls=\"/api/v1/calls/events?limit=50"), "{path}");
        assert!(text.contains("<dd data-phase=ringing>1</div>"), "{path}: {text}");
        assert!(!text.contains("0199000001"), "{path}");
    }
}
