//! Service report and capacity statement, over the interface.

use std::io::Cursor;

use axum::http::StatusCode;
use calamine::{Data, Reader, Xlsx};
use serde_json::{Value, json};

use super::kit::World;

/// A desk on which a campaign of 50 has run: 30 confirm, 5 are busy, 5 do not answer, 5 have no such number, 5 only listen.
async fn world() -> (World, String) {
    let world = World::new();
    world.populate(50);
    let token = world.login("admin").await;
    let once = json!({ "tries_per_number": 1, "tries_per_recipient": 1 });
    let id = world.launched(&token, once).await;
    world.ended(&token, id).await;
    (world, token)
}

/// Three years around now: no test may fail because midnight passes.
fn around_now() -> String {
    let year = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year();
    format!("{}-01-01..{}-12-31", year - 1, year + 1)
}

#[tokio::test]
async fn the_service_report_says_the_same_in_every_format() {
    let (world, token) = world().await;
    let period = around_now();
    let get = |file: &str, query: &str| {
        let path = format!("/statements/{file}?period={period}{query}");
        let (world, token) = (&world, &token);
        async move { world.get(token, &path).await }
    };
    let report: Value = get("service.json", "").await.json();
    let facts = &report["facts"];
    assert_eq!(
        (&facts["recipients"], &facts["confirmed"]),
        (&json!(50), &json!(30)),
        "{facts}"
    );
    assert_eq!((&facts["reached"], &facts["calls"]), (&json!(35), &json!(50)));
    assert_eq!(facts["reached_share"], 0.7);
    assert!(facts["reach_median"].as_f64().unwrap() > 0.0 && facts["cost"].as_f64().unwrap() > 0.0);
    let sections = &report["sections"];
    let sum = |section: &str, column: &str| -> u64 {
        let rows = sections[section].as_array().unwrap();
        rows.iter().map(|row| row[column].as_u64().unwrap()).sum()
    };
    for (section, column) in [
        ("slices", "calls"),
        ("quarters", "calls"),
        ("causes", "count"),
        ("trunks", "seizures"),
    ] {
        assert_eq!(sum(section, column), 50, "{section}");
    }
    assert_eq!(sum("results", "count"), 50);
    assert_eq!(sections["trunks"][0]["asr"], 0.7);
    assert_eq!(sections["trunks"][0]["ner"], 0.9);

    let answer = get("service.xlsx", "").await;
    assert!(
        answer
            .header("content-disposition")
            .contains(&format!("tocsin-service-{period}.xlsx"))
    );
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(answer.bytes)).unwrap();
    let causes = book.worksheet_range("Fins d’appel par cause").unwrap();
    let busy = causes
        .rows()
        .find(|row| row[0] == Data::String("Occupé".into()))
        .unwrap();
    assert_eq!(busy[1], Data::Float(5.0));

    let csv = get("service.csv", "&table=causes").await.text();
    assert!(csv.contains("Occupé;5;10,0 %\r\n"), "{csv}");
    let pdf = get("service.pdf", "").await.bytes;
    let paper = crate::report::pdf::tests::read_back(&pdf);
    for expected in [
        "Rapport de service",
        "Qualité des lignes",
        "70,0 %",
        "Joints, non confirmés",
    ] {
        assert!(paper.contains(expected), "{expected} in {paper}");
    }
}

#[tokio::test]
async fn costs_and_capacity_are_told_of_the_same_calls() {
    let (world, token) = world().await;
    let period = around_now();
    let report = world
        .get(&token, &format!("/statements/service.json?period={period}"))
        .await
        .json();
    let whole = report["facts"]["cost"].as_f64().unwrap();
    assert!(whole > 0.0);
    for section in ["services", "months", "trunks", "campaigns"] {
        let rows = report["sections"][section].as_array().unwrap();
        let sum: f64 = rows.iter().map(|row| row["cost"].as_f64().unwrap()).sum();
        assert!((sum - whole).abs() < 1e-6, "{section}: {sum} of {whole}");
    }
    let capacity = world
        .get(&token, &format!("/statements/capacity.json?period={period}"))
        .await
        .json();
    assert_eq!(capacity["facts"]["largest"], 50);
    let launch = &capacity["sections"]["launches"][0];
    assert_eq!(launch["recipients"], 50);
    assert!(launch["ninety"].as_f64().unwrap() > 0.0, "{launch}");
}

#[tokio::test]
async fn exercises_periods_and_rights_are_respected() {
    let (world, token) = world().await;
    let get = |path: &'static str| world.get(&token, path);
    let none = get("/statements/service.json?which=exercises").await.json();
    assert_eq!(none["facts"]["campaigns"], 0);
    let past = get("/statements/service.json?period=1999-12").await.json();
    assert_eq!(past["facts"]["calls"], 0);
    for (path, status) in [
        (
            "/statements/service.json?period=2026-13",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("/statements/service.json?which=some", StatusCode::BAD_REQUEST),
        ("/statements/service.exe", StatusCode::NOT_FOUND),
        ("/statements/other.pdf", StatusCode::NOT_FOUND),
        ("/statements/service.csv?table=other", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(get(path).await.status, status, "{path}");
    }
    let reader = world.user_of(&token, "lea", "Statistiques").await;
    assert_eq!(
        world.get(&reader, "/statements/service.pdf").await.status,
        StatusCode::OK
    );
    let other = world.user_of(&token, "annuaire", "Annuaire").await;
    assert_eq!(
        world.get(&other, "/statements/service.pdf").await.status,
        StatusCode::FORBIDDEN
    );
    let trail = get("/audit?operation=statement.read").await.json();
    let entries = trail["entries"].as_array().unwrap();
    assert!(
        entries
            .iter()
            .any(|entry| entry["user"] == "annuaire" && entry["status"] == 403),
        "{trail}"
    );
}
