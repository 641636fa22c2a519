//! Against a local HTTPS server that says what the test wants.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver, Sender};

use directory::refresh::{Settings, run};
use directory::{Shared, Store};

use super::*;

/// A server on a free port. Each connection gets the next answer; what was asked is passed on, head by head.
struct Server {
    url: String,
    authority: tempfile::NamedTempFile,
    answers: Sender<Vec<u8>>,
    asked: Receiver<String>,
}

fn server() -> Server {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let mut authority = tempfile::NamedTempFile::new().unwrap();
    authority.write_all(made.cert.pem().as_bytes()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "https://localhost:{}/extraits/elus.csv?jeu=1",
        listener.local_addr().unwrap().port()
    );
    let (answers, next) = mpsc::channel::<Vec<u8>>();
    let (heard, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = stream;
            let mut tls = BufReader::new(rustls::Stream::new(&mut session, &mut stream));
            let mut head = String::new();
            // A client that does not trust us says nothing; the next one is served.
            while tls.read_line(&mut head).is_ok_and(|read| read > 2) {}
            if head.is_empty() {
                continue;
            }
            let _ = heard.send(head.to_ascii_lowercase());
            let Ok(answer) = next.recv() else { return };
            let out = tls.get_mut();
            let _ = out.write_all(&answer);
            out.conn.send_close_notify();
            let _ = out.flush();
        }
    });
    Server {
        url,
        authority,
        answers,
        asked,
    }
}

impl Server {
    fn source(&self) -> Https {
        let authorization = Some(Secret::new("Bearer secret".to_owned()));
        Https::new(
            &self.url,
            authorization,
            Some(self.authority.path()),
            Duration::from_secs(20),
        )
        .unwrap()
    }

    fn answer(&self, status: &str, headers: &str, body: &str) {
        let text = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        self.answers.send(text.into_bytes()).unwrap();
    }
}

const CSV: &str = "id;Nom;Tél\n1;Martin;0199000001\n2;Petit;0199000002\n";

#[test]
fn an_extract_is_fetched_once_and_then_only_when_it_is_new() {
    let server = server();
    let mut source = server.source();
    let shared = Shared::new(Store::temporary().unwrap()).unwrap();
    let settings = Settings::default();
    let mut refresh = || run(&mut source, None, &shared, &settings, 0);
    use directory::refresh::Refreshed;

    let version = "ETag: \"v1\"\r\nLast-Modified: Wed, 25 Nov 2026 10:00:00 GMT\r\n";
    server.answer("200 OK", version, CSV);
    assert!(matches!(refresh(), Ok(Refreshed::Applied { applied, .. }) if applied.plan.created == 2));
    let first = server.asked.recv().unwrap();
    assert!(first.starts_with("get /extraits/elus.csv?jeu=1 "), "{first}");
    assert!(
        first.contains("authorization: bearer secret") && !first.contains("if-none-match"),
        "{first}"
    );

    server.answer("304 Not Modified", "", "");
    assert!(matches!(refresh(), Ok(Refreshed::Unchanged)));
    let second = server.asked.recv().unwrap();
    assert!(second.contains("if-none-match: \"v1\""), "{second}");
    assert!(
        second.contains("if-modified-since: wed, 25 nov 2026 10:00:00 gmt"),
        "{second}"
    );

    // A strange file is refused, and asked for again: the server must not answer that we have it.
    server.answer("200 OK", "ETag: \"v2\"\r\n", "id;Nom;Tél\n1;Martin;?\n2;Petit;?\n");
    assert!(refresh().unwrap_err().to_string().contains("2 of 2 rows"));
    server.answer("200 OK", "ETag: \"v3\"\r\n", "id;Nom;Tél\n1;Martin;0199000011\n");
    assert!(matches!(refresh(), Ok(Refreshed::Applied { applied, .. }) if applied.plan.updated == 1));
    server.asked.recv().unwrap();
    assert!(server.asked.recv().unwrap().contains("if-none-match: \"v1\""));
    assert_eq!(shared.snapshot().len(), 2);
}

#[test]
fn failures_are_told_and_name_no_secret() {
    let server = server();
    let mut source = server.source();
    server.answer("503 Service Unavailable", "", "");
    let error = source.fetch(1_000).unwrap_err().to_string();
    assert!(
        error.contains("503") && error.contains(&server.url) && !error.contains("secret"),
        "{error}"
    );
    server.answer("200 OK", "", CSV);
    assert!(matches!(source.fetch(10), Err(SourceError::TooLarge { limit: 10, .. })));
    // A length that is not announced is bounded too.
    let endless = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat(4_000));
    server.answers.send(endless.into_bytes()).unwrap();
    assert!(matches!(source.fetch(1_000), Err(SourceError::TooLarge { .. })));
    server.answer("302 Found", "Location: http://localhost/elus.csv\r\n", "");
    assert!(source.fetch(1_000).is_err(), "never without TLS");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let server = server();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let mut authority = tempfile::NamedTempFile::new().unwrap();
    authority.write_all(other.cert.pem().as_bytes()).unwrap();
    let mut source = Https::new(&server.url, None, Some(authority.path()), Duration::from_secs(20)).unwrap();
    let error = source.fetch(1_000).unwrap_err().to_string();
    assert!(error.to_lowercase().contains("certificate"), "{error}");
    assert!(
        server.asked.try_recv().is_err(),
        "nothing was said before the certificate was checked"
    );
}

#[test]
fn a_file_without_certificates_is_named() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"nothing").unwrap();
    let made = Https::new("https://localhost/", None, Some(file.path()), Duration::from_secs(1));
    assert!(matches!(made.err(), Some(SetupError::Authorities { .. })));
    assert_eq!(file_name("https://a.example/x/y.csv?z=1"), "y.csv");
    assert_eq!(file_name("https://a.example/"), "a.example");
}
