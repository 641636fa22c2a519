//! Recipients one by one: forms, duplicates, what a person may know and want (R24).

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::kit::World;

fn encoded(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{key}={}", escape(value)))
        .collect();
    pairs.join("&")
}

/// A form of the console, sent as a browser with a session would; without a token nobody is signed in.
async fn post(world: &World, token: &str, path: &str, fields: &[(&str, &str)]) -> super::kit::Answer {
    let mut request = Request::builder()
        .method("POST")
        .uri(path)
        .header("content-type", "application/x-www-form-urlencoded");
    let mut body = encoded(fields);
    if !token.is_empty() {
        request = request.header("cookie", format!("__Host-tocsin={token}"));
        body = format!("csrf={}&{body}", crate::sessions::form_word(token));
    }
    world.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_recipient_is_added_changed_and_removed_with_forms() {
    let world = World::new();
    let token = world.login("admin").await;
    let page = world.page(&token, "/annuaire/personnes/nouveau").await;
    assert_eq!(page.status, StatusCode::OK);
    let fields = [
        ("revision", "0"),
        ("name", "Lefèvre"),
        ("first_name", "Jeanne"),
        ("function", "Maire"),
        ("commune", "Amiens"),
        ("email", "jeanne@amiens.example"),
        ("groups", "Crue, Neige"),
        ("number1", "01 99 00 12 34"),
        ("voice1", "1"),
        ("number2", "06 39 98 00 01"),
        ("sms2", "1"),
    ];
    let made = post(&world, &token, "/annuaire/personnes/nouveau", &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
    let place = made.header("location").split('?').next().unwrap().to_owned();
    let id: u64 = place.rsplit('/').next().unwrap().parse().unwrap();
    let read = world.get(&token, &format!("/recipients/{id}")).await.json();
    assert_eq!(
        (&read["commune"], &read["groups"]),
        (&json!("80021"), &json!(["Crue", "Neige"]))
    );
    let uses: Vec<(bool, bool)> = read["numbers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|number| (number["voice"] == true, number["sms"] == true))
        .collect();
    assert_eq!(uses, [(true, false), (false, true)]);
    let page = world.page(&token, &place).await.text();
    assert!(
        page.contains("value=\"Amiens (80021)\"") && page.contains("Jeanne Lefèvre"),
        "{page}"
    );

    for (field, wrong) in [
        ("number1", "112"),
        ("commune", "Nulle-Part"),
        ("email", "x"),
        ("language", "??"),
    ] {
        let mut fields = fields.to_vec();
        fields.retain(|(name, _)| *name != field);
        fields.push((field, wrong));
        let refused = post(&world, &token, "/annuaire/personnes/nouveau", &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
    }
    let stale = post(&world, &token, &place, &fields).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "somebody else changed it meanwhile");
    assert!(stale.text().contains("value=\"Jeanne\""), "what was typed is not lost");
    let removed = post(&world, &token, &format!("{place}/supprimer"), &[]).await;
    assert_eq!(removed.header("location"), "/annuaire?fait=recipient");
    assert_eq!(world.page(&token, &place).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn duplicates_are_shown_and_merged() {
    let world = World::new();
    let token = world.login("admin").await;
    for (key, name, number) in [
        ("1", "Martin", "+33199001234"),
        ("2", "MARTIN", "+33199001234"),
        ("3", "Petit", "+33199005678"),
    ] {
        let person = json!({ "key": key, "name": name, "numbers": [{ "e164": number, "kind": "landline", "voice": true, "sms": false }] });
        assert_eq!(
            world.call(&token, "POST", "/recipients", person).await.status,
            StatusCode::CREATED
        );
    }
    let found = world.get(&token, "/duplicates").await.json();
    assert_eq!(found["total"], 2, "the same number, and the same person: {found}");
    let page = world.page(&token, "/annuaire/doublons").await.text();
    assert!(page.contains("Même numéro : 01 99 00 12 34"), "{page}");
    let ids: Vec<u64> = found["duplicates"][0]["recipients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|person| person["id"].as_u64().unwrap())
        .collect();
    let (keep, other) = (ids[0].to_string(), ids[1].to_string());
    let merged = post(
        &world,
        &token,
        "/annuaire/doublons",
        &[("keep", &keep), ("others", &other)],
    )
    .await;
    assert_eq!(
        merged.header("location"),
        "/annuaire/doublons?fait=merged",
        "{}",
        merged.text()
    );
    assert_eq!(world.get(&token, "/duplicates").await.json()["total"], 0);
    let path = format!("/recipients/{keep}/merge");
    let gone = world
        .call(
            &token,
            "POST",
            &path,
            json!({ "others": [other.parse::<u64>().unwrap()] }),
        )
        .await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_person_sees_their_data_and_unsubscribes_without_an_account() {
    let world = World::new();
    world.populate(3);
    let token = world.login("admin").await;
    let campaign = world
        .launched(&token, json!({ "tries_per_number": 1, "tries_per_recipient": 1 }))
        .await;
    world.ended(&token, campaign).await;
    let link = world
        .call(&token, "POST", "/recipients/1/link", Value::Null)
        .await
        .json();
    let path = link["path"].as_str().unwrap().to_owned();

    let page = world.page("", &path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    for expected in [
        "Nom0000",
        "Crue de la Somme",
        "01 99 00 00 00",
        "Les alertes vous sont adressées.",
    ] {
        assert!(page.text().contains(expected), "{expected}");
    }
    assert!(!page.text().contains("Nom0001"), "nobody else");
    let data = world.page("", &format!("{path}/json")).await.json();
    assert_eq!(data["facts"]["name"], "Nom0000");
    assert_eq!(data["sections"]["person_calls"].as_array().unwrap().len(), 1);
    let pdf = crate::report::pdf::tests::read_back(&world.page("", &format!("{path}/pdf")).await.bytes);
    assert!(
        pdf.contains("Données d’une personne") && pdf.contains("Crue de la Somme"),
        "{pdf}"
    );

    assert_eq!(
        post(&world, "", &path, &[("abonne", "non")]).await.status,
        StatusCode::SEE_OTHER
    );
    let members = |answer: Value| answer["recipients"].as_u64().unwrap();
    let preview = world
        .call(&token, "POST", "/selections/preview", json!({ "selection": "all" }))
        .await
        .json();
    assert_eq!(members(preview), 2, "no campaign calls them any more");
    assert!(
        world
            .page("", &path)
            .await
            .text()
            .contains("ne vous sont plus adressées")
    );
    assert_eq!(
        post(&world, "", &path, &[("abonne", "oui")]).await.status,
        StatusCode::SEE_OTHER
    );
    let preview = world
        .call(&token, "POST", "/selections/preview", json!({ "selection": "all" }))
        .await
        .json();
    assert_eq!(members(preview), 3);

    let trail = world.get(&token, "/audit?operation=own.subscription").await.json();
    let entry = &trail["entries"][0];
    assert_eq!(
        (&entry["user"], &entry["target"]),
        (&json!("destinataire 1"), &json!("1"))
    );
    let whole = world.get(&token, "/audit?limit=1000").await.text();
    assert!(
        !whole.contains(path.trim_start_matches("/moi/")),
        "no link in the audit trail"
    );
}

#[tokio::test]
async fn links_cannot_be_guessed_and_end_with_the_person() {
    let world = World::new();
    world.populate(2);
    let token = world.login("admin").await;
    let link = world
        .call(&token, "POST", "/recipients/2/link", Value::Null)
        .await
        .json();
    let path = link["path"].as_str().unwrap().to_owned();
    assert_eq!(world.page("", &path).await.status, StatusCode::OK);
    let forged = path.replacen("/moi/2-", "/moi/1-", 1);
    let mut last = StatusCode::OK;
    for _ in 0..11 {
        last = world.page("", &forged).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        world.get(&token, "/me").await.status,
        StatusCode::OK,
        "operators are not held up"
    );
    let again = world
        .call(
            "",
            "POST",
            "/login",
            json!({ "user": "admin", "password": super::kit::PASSWORD }),
        )
        .await;
    assert_eq!(again.status, StatusCode::OK);
}

#[tokio::test]
async fn an_erased_person_stays_away_until_they_want_to_come_back() {
    let world = World::new();
    world.populate(2);
    let token = world.login("admin").await;
    let person = world.get(&token, "/recipients/1").await.json();
    let link = world
        .call(&token, "POST", "/recipients/1/link", Value::Null)
        .await
        .json();
    let erased = world.call(&token, "POST", "/recipients/1/erase", Value::Null).await;
    assert_eq!(erased.status, StatusCode::NO_CONTENT, "{}", erased.text());
    assert_eq!(
        world.page("", link["path"].as_str().unwrap()).await.status,
        StatusCode::NOT_FOUND
    );

    let file = "id;Nom;Prénom;Tél\nk0;Nom0000;Jeanne;0199000000\nk9;Neuf;Luc;0199000009\n";
    let import = |query: &str| {
        Request::builder()
            .method("POST")
            .uri(format!("/api/v1/imports?{query}"))
            .header("authorization", format!("Bearer {token}"))
            .header("x-file-name", "retour.csv")
            .body(Body::from(file))
            .unwrap()
    };
    let looked = world.send(import("dry_run=true")).await.json();
    assert_eq!(
        (&looked["created"], &looked["kept_away"]),
        (&json!(1), &json!([2])),
        "{looked}"
    );
    let mapped = world.send(import("dry_run=true&columns=,name,,number")).await.json();
    assert_eq!(mapped["columns"][0]["role"], Value::Null, "{mapped}");
    assert_eq!(
        world.send(import("dry_run=true&columns=nonsense")).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let refused = world.call(&token, "POST", "/recipients", person.clone()).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (StatusCode::CONFLICT, &json!("kept_away"))
    );
    let back = world.call(&token, "POST", "/recipients?again=true", person).await;
    assert_eq!(back.status, StatusCode::CREATED, "{}", back.text());
}

#[tokio::test]
async fn live_lists_of_the_console_choose_by_area_circle_and_polygon() {
    let world = World::new();
    let token = world.login("admin").await;
    for (key, commune) in [("1", "80021"), ("2", "80001"), ("3", "80620")] {
        let person = json!({ "key": key, "name": format!("N{key}"), "commune": commune,
            "numbers": [{ "e164": format!("+3319900000{key}"), "kind": "landline", "voice": true, "sms": false }] });
        assert_eq!(
            world.call(&token, "POST", "/recipients", person).await.status,
            StatusCode::CREATED
        );
    }
    let size = |name: &'static str, fields: Vec<(&'static str, &'static str)>| {
        let (world, token) = (&world, &token);
        async move {
            let mut fields = fields;
            fields.push(("name", name));
            let made = post(world, token, "/annuaire/listes", &fields).await;
            assert_eq!(made.status, StatusCode::SEE_OTHER, "{name}: {}", made.text());
            let preview = world
                .call(token, "POST", "/selections/preview", json!({ "list": name }))
                .await
                .json();
            preview["recipients"].as_u64().unwrap()
        }
    };
    assert_eq!(size("arrondissement", vec![("arrondissement", "Abbeville")]).await, 1);
    assert_eq!(
        size("pas lui", vec![("arrondissement", "Abbeville"), ("join", "not")]).await,
        2
    );
    assert_eq!(size("cercle", vec![("center", "Amiens"), ("radius", "2,5")]).await, 1);
    assert_eq!(
        size(
            "ou",
            vec![
                ("center", "Amiens"),
                ("radius", "1"),
                ("arrondissement", "Abbeville"),
                ("join", "or")
            ]
        )
        .await,
        2
    );
    let square = "49.80 2.20\n50.00 2.20\n50.00 2.40\n49.80, 2.40";
    assert_eq!(size("polygone", vec![("polygon", square)]).await, 1);
    for wrong in [("polygon", "ici"), ("center", "Nulle-Part"), ("polygon", "1 2\n3 4")] {
        let answer = post(&world, &token, "/annuaire/listes", &[("name", "x"), wrong]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
}
