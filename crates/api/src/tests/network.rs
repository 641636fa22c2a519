//! The server on a real port with real TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::kit::{PASSWORD, services};
use crate::{ServeError, Settings, serve};

fn agent(pem: &[u8]) -> Agent {
    let roots = RootCerts::new_with_certs(&[Certificate::from_pem(pem).unwrap()]);
    let tls = TlsConfig::builder()
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = Agent::config_builder().tls_config(tls).http_status_as_error(false);
    config.timeout_global(Some(Duration::from_secs(30))).build().new_agent()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_trusts_the_certificate_logs_in_and_others_are_sent_to_https() {
    let folder = tempfile::tempdir().unwrap();
    let (services, handle) = services(Duration::ZERO);
    let mut settings = Settings::new("127.0.0.1:0".parse().unwrap(), folder.path());
    settings.admin_password = Some(PASSWORD.into());
    let server = serve(settings.clone(), services.clone()).await.unwrap();
    let address = server.address();
    assert_eq!(server.fingerprint().len(), 95);
    assert_eq!(server.initial_password(), None);

    let busy = Settings {
        listen: address,
        ..settings
    };
    let refused = serve(busy, services).await.err().unwrap();
    assert!(matches!(refused, ServeError::PortBusy(_)));
    assert!(refused.to_string().contains(&address.port().to_string()), "{refused}");

    let pem = std::fs::read(folder.path().join("certificate.pem")).unwrap();
    tokio::task::spawn_blocking(move || {
        let agent = agent(&pem);
        let base = format!("https://localhost:{}", address.port());
        let mut answer = agent
            .post(format!("{base}/api/v1/login"))
            .send_json(json!({ "user": "admin", "password": PASSWORD }))
            .unwrap();
        assert_eq!(answer.status(), 200);
        let token = answer.body_mut().read_json::<Value>().unwrap()["token"]
            .as_str()
            .unwrap()
            .to_owned();
        let bearer = format!("Bearer {token}");
        let mut answer = agent
            .get(format!("{base}/api/v1/audit"))
            .header("authorization", &bearer)
            .call()
            .unwrap();
        let trail: Value = answer.body_mut().read_json().unwrap();
        assert_eq!(trail["entries"][0]["address"], "127.0.0.1");
        let mut answer = agent.get(format!("{base}/metrics")).call().unwrap();
        assert!(
            answer
                .body_mut()
                .read_to_string()
                .unwrap()
                .contains("tocsin_http_requests_total")
        );

        let mut plain = TcpStream::connect(address).unwrap();
        plain
            .write_all(format!("GET /x HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", address.port()).as_bytes())
            .unwrap();
        let mut text = String::new();
        plain.read_to_string(&mut text).unwrap();
        assert!(text.contains(&format!("Location: {base}/x\r\n")), "{text}");
        let mut noise = TcpStream::connect(address).unwrap();
        noise.write_all(b"\x16\x03\x01\xff\xff\xff\xff nonsense").unwrap();
        let mut answer = agent.get(format!("{base}/health")).call().unwrap();
        assert!(
            answer.body_mut().read_to_string().unwrap().contains("ok"),
            "noise disturbs nobody"
        );
    })
    .await
    .unwrap();
    server.shutdown().await;
    assert!(TcpStream::connect(address).is_err());
    handle.stop();
}

/// Serves the console for a look: `cargo test -p api -- --ignored stand`. Listens on `STAND_LISTEN`, ends after
/// `STAND_SECONDS`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "for people"]
async fn stand() {
    let folder = tempfile::tempdir().unwrap();
    let (services, handle) = services(Duration::from_millis(4000));
    let listen = std::env::var("STAND_LISTEN").unwrap_or_else(|_| "127.0.0.1:8443".into());
    let mut settings = Settings::new(listen.parse().unwrap(), folder.path());
    settings.admin_password = Some(PASSWORD.into());
    settings.organisation = "Préfecture de la Somme".into();
    let server = serve(settings, services).await.unwrap();
    println!("https://{listen} admin “{PASSWORD}”");
    let seconds = std::env::var("STAND_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(600);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    server.shutdown().await;
    handle.stop();
}
