//! What calls cost, from the telephone to the invoice: every way of asking gives the same cents.

use std::io::Cursor;

use axum::http::StatusCode;
use calamine::{Data, Reader, Xlsx};
use serde_json::json;

use super::kit::World;

#[tokio::test]
async fn json_csv_and_workbook_bill_the_same() {
    let world = World::new();
    world.populate(20);
    let token = world.login("admin").await;
    let wanted = json!({
        "name": "Crue", "message": { "text": "Alerte." }, "service": "SIDPC",
        "policy": { "tries_per_number": 1, "tries_per_recipient": 1 }, "launch": true,
    });
    let made = world.call(&token, "POST", "/campaigns", wanted).await.json();
    world.ended(&token, made["id"].as_u64().unwrap()).await;

    let account = world.get(&token, "/metering").await.json();
    // 12 confirm and 2 listen, 20 s each at 3 cents a minute; the others cost nothing.
    let total = &account["total"];
    assert_eq!(
        (
            &total["attempts"],
            &total["answered"],
            &total["billed_seconds"],
            &total["cost_micros"]
        ),
        (&json!(20), &json!(14), &json!(280), &json!(140_000)),
        "{account}"
    );
    assert_eq!(account["services"][0]["service"], "SIDPC");
    for part in ["months", "services", "campaigns"] {
        assert_eq!(account[part][0]["cost_micros"], 140_000, "{part}");
    }
    assert_eq!(account["lines"][0]["tariff"]["per_minute_micros"], 30_000);

    let csv = world.get(&token, "/metering.csv?table=attempts").await;
    assert!(csv.header("content-disposition").contains(".csv"));
    let text = csv.text();
    let costs: u64 = text
        .lines()
        .skip(1)
        .map(|line| line.rsplit(';').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!((text.lines().count(), costs), (21, 140_000));
    let lines = world.get(&token, "/metering.csv").await.text();
    assert!(lines.lines().last().unwrap().ends_with(";0,14;140000"), "{lines}");

    let book = world.get(&token, "/metering.xlsx").await;
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(book.bytes)).unwrap();
    assert_eq!(
        book.sheet_names(),
        [
            "Par mois et service",
            "Par campagne",
            "Par ligne et tarif",
            "Appel par appel"
        ]
    );
    for name in book.sheet_names() {
        let sheet = book.worksheet_range(&name).unwrap();
        let micros: f64 = sheet
            .rows()
            .skip(1)
            .filter(|row| row[0] != Data::String("Total".into()))
            .map(|row| match row.last() {
                Some(Data::Float(micros)) => *micros,
                other => panic!("{name}: {other:?}"),
            })
            .sum();
        assert_eq!(micros, 140_000.0, "{name}");
    }

    let page = world.page(&token, "/facturation").await;
    assert!(
        page.text().contains("SIDPC") && page.text().contains("0,14"),
        "{}",
        page.text()
    );
    let before = world
        .get(&token, "/metering?from=2001-01-01&to=2001-01-31")
        .await
        .json();
    assert_eq!(before["total"]["attempts"], 0);
    for wrong in ["from=hier", "from=2026-02-02&to=2026-02-01", "from=2026-02-30"] {
        let answer = world.get(&token, &format!("/metering?{wrong}")).await;
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some("bad_period"))
        );
    }
}
