//! Lists, waves, detailed settings, predictions and fine results, over the interface and the console's form.

use axum::http::StatusCode;
use directory::{E164, Recipient};
use serde_json::{Value, json};

use super::kit::World;

async fn list(world: &World, token: &str, name: &str, members: &[u64]) -> u64 {
    let body = json!({ "name": name, "content": { "static": members } });
    let answer = world.call(token, "POST", "/lists", body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    answer.json()["id"].as_u64().unwrap()
}

/// The numbers of the directory's recipients, in order.
async fn ids(world: &World, token: &str) -> Vec<u64> {
    let people = world.get(token, "/recipients?limit=100").await.json();
    let people = people["recipients"].as_array().unwrap().clone();
    people.iter().map(|person| person["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn who_is_in_several_lists_or_twice_in_the_directory_is_called_once() {
    let world = World::new();
    world.populate(6);
    let double = Recipient {
        key: "again".into(),
        name: "NOM0000".into(),
        first_name: "jeanne".into(),
        numbers: vec![E164::parse("0199000000").unwrap().into()],
        ..Recipient::default()
    };
    world.desk.services.directory.save(double).unwrap();
    let token = world.login("admin").await;
    let people = ids(&world, &token).await;
    assert_eq!(people.len(), 7);
    list(&world, &token, "A", &people[..4]).await;
    list(&world, &token, "B", &people[2..]).await;
    let wanted = |merge: bool| {
        json!({
            "name": "Essai", "message": { "text": "x" }, "lists": ["A", "B"], "merge": merge, "dry_run": true,
        })
    };
    let made = world.call(&token, "POST", "/campaigns", wanted(true)).await.json();
    let counts = |made: &Value| {
        ["recipients", "in_several_lists", "same_person", "sharing_a_number"].map(|key| made[key].as_u64().unwrap())
    };
    assert_eq!(counts(&made), [6, 2, 1, 0], "{made}");
    let made = world.call(&token, "POST", "/campaigns", wanted(false)).await.json();
    assert_eq!(counts(&made), [7, 2, 0, 1], "{made}");
}

#[tokio::test]
async fn waves_are_called_until_enough_have_confirmed() {
    let world = World::new();
    world.populate(20);
    let token = world.login("admin").await;
    let people = ids(&world, &token).await;
    // Those whose number ends in 8 cannot be reached: 9th and 19th.
    list(&world, &token, "Premiers", &[people[8], people[18]]).await;
    list(&world, &token, "Seconds", &people[..2]).await;
    list(&world, &token, "Derniers", &people[2..4]).await;
    let waves = json!(["Premiers", "Seconds", "Derniers"]);
    let wanted = json!({ "name": "Astreinte", "message": { "text": "x" }, "waves": waves, "launch": true });
    let refused = world.call(&token, "POST", "/campaigns", wanted.clone()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["error"], "waves_without_escalation");
    let mut wanted = wanted;
    wanted["preset"] = json!("roster");
    wanted["policy"] = json!({ "escalation": { "needed": 2, "wait": 3600 } });
    let made = world.call(&token, "POST", "/campaigns", wanted).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let id = made.json()["id"].as_u64().unwrap();
    let view = world.ended(&token, id).await;
    assert_eq!(
        (&view["confirmed"], &view["spared"], &view["waves"], &view["wave"]),
        (&json!(2), &json!(2), &json!(3), &json!(2)),
        "{view}"
    );
    let results = world.get(&token, &format!("/campaigns/{id}/results")).await.json();
    let of = |at: usize| results["results"][at]["result"].as_str().unwrap().to_owned();
    assert_eq!(
        (of(0), of(2), of(4)),
        ("unreachable".into(), "confirmed_by_key".into(), "not_needed".into())
    );
    assert_eq!(
        results["results"][0]["numbers"][0]["result"],
        json!({ "tried": "unreachable" })
    );
    let csv = world.get(&token, &format!("/campaigns/{id}/report.csv")).await.text();
    assert!(csv.contains("Non appelé : assez de confirmations"), "{csv}");
}

#[tokio::test]
async fn the_form_of_the_console_sets_the_policy() {
    let world = World::new();
    world.populate(3);
    let token = world.login("admin").await;
    let page = world.page(&token, "/campagnes/nouvelle").await.text();
    for expected in ["Réglages détaillés", "name=quiet_from", "name=wave1", "Astreinte"] {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(!page.contains("name=texts"), "no text messages without a gateway");
    let fields = "name=Essai&text=Alerte&language=fr&list=0&preset=immediate&tries_number=2&busy=3&period=90\
                  &quiet_from=22%3A00&quiet_to=07%3A00&shared=once&service=SIDPC";
    let answer = world.form(&token, "/campagnes", fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let id = answer.header("location").rsplit('/').next().unwrap().to_owned();
    let policy = world.get(&token, &format!("/campaigns/{id}")).await.json()["policy"].clone();
    assert_eq!(
        [
            &policy["tries_per_number"],
            &policy["delays"]["busy"],
            &policy["total_period"]
        ],
        [&json!(2), &json!(180), &json!(5400)]
    );
    assert_eq!(policy["shared_numbers"], "once");
    assert_eq!(policy["quiet_hours"][0]["to_minute"], 420);
    // What is wrong is told, and what was typed stays.
    let wrong = world
        .form(
            &token,
            "/campagnes",
            "name=Essai&text=Alerte&busy=bient%C3%B4t&period=90",
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text().contains("bientôt") && wrong.text().contains("value=\"90\""));
    let refused = world
        .form(&token, "/campagnes", "name=Essai&text=Alerte&texts=together")
        .await;
    assert!(refused.text().contains("passerelle SMS"), "{}", refused.text());
}

#[tokio::test]
async fn predictions_are_given_before_and_while_it_runs_and_people_can_be_added() {
    let world = World::with(std::time::Duration::from_millis(400));
    world.populate(30);
    let token = world.login("admin").await;
    let people = ids(&world, &token).await;
    let some = list(&world, &token, "Vingt", &people[..20]).await;
    let rest = list(&world, &token, "Autres", &people[10..]).await;
    let wanted = json!({ "name": "Crue", "message": { "text": "x" }, "list": some });
    let id = world.call(&token, "POST", "/campaigns", wanted).await.json()["id"].clone();
    let before = world.get(&token, &format!("/campaigns/{id}/prediction")).await.json();
    assert_eq!(before["recipients"], 20);
    let seconds = |prediction: &Value| {
        ["half_s", "ninety_s", "ninety_nine_s", "end_s"].map(|key| prediction[key].as_f64().unwrap())
    };
    assert!(seconds(&before).is_sorted() && seconds(&before)[0] > 0.0, "{before}");
    assert!(before["cost_micros"].as_u64().unwrap() > 0);
    let launched = world
        .call(&token, "POST", &format!("/campaigns/{id}/launch"), Value::Null)
        .await;
    assert_eq!(launched.status, StatusCode::NO_CONTENT);
    let added = world
        .form(&token, &format!("/campagnes/{id}/completer"), &format!("list={rest}"))
        .await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.text());
    let running = world.get(&token, &format!("/campaigns/{id}/prediction")).await.json();
    assert_eq!(running["recipients"], 30);
    assert!(seconds(&running).is_sorted(), "{running}");
    let page = world.page(&token, &format!("/campagnes/{id}")).await.text();
    assert!(
        page.contains("99 % joints en") && page.contains("Ajouter cette liste"),
        "{page}"
    );
}
