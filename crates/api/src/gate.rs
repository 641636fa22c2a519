//! The gate that every request passes: who asks, may they, is it really them, and what must be written down.
//! It refuses what [`crate::access`] does not name.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::access::{self, Need, Rule};
use crate::audit::Operation;
use crate::console;
use crate::desk::{Author, Caller, Desk, Peer, Target, now_ms};
use crate::problem::Problem;
use crate::renewal;
use crate::sessions::{form_word, same};
use crate::text::Language;

/// The session's cookie. The `__Host-` prefix makes browsers insist on HTTPS, this very host and the whole site.
pub(crate) const COOKIE: &str = "__Host-tocsin";
/// The language that the user chose for the console.
pub(crate) const LANGUAGE_COOKIE: &str = "tocsin-langue";
/// The longest that a request may take, body included; event streams begin within it and then go on.
const LONGEST: Duration = Duration::from_secs(60);
/// A form of the console: texts only, files travel as multipart.
const LARGEST_FORM: usize = 256 << 10;

/// Runs around every route.
pub(crate) async fn gate(State(desk): State<Arc<Desk>>, mut request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let path = request.uri().path().to_owned();
    let of_console = !path.starts_with("/api/");
    let mut caller = caller(&desk, &request, of_console);
    let rule = route.as_deref().and_then(|route| access::rule(request.method(), route));
    let target = route
        .as_deref()
        .map(|route| parameters(route, &path))
        .unwrap_or_default();

    let checked = match (route.is_some(), rule) {
        (false, _) => Err(Problem::not_found()),
        (true, None) => Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed")),
        (true, Some(rule)) => admit(&desk, rule, &mut caller, request).await,
    };
    let to_login = matches!(&checked, Err(problem) if problem.status() == StatusCode::UNAUTHORIZED);
    let response = match checked {
        Ok(admitted) => {
            request = admitted;
            request.extensions_mut().insert(caller.clone());
            let may_change = !request.method().is_safe();
            let response = match tokio::time::timeout(LONGEST, next.run(request)).await {
                Ok(response) => response,
                Err(_) => Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout").into_response(),
            };
            if may_change {
                renewal::tell(&desk, &caller.login).await;
            }
            response
        }
        Err(problem) => problem.into_response(),
    };

    if let Some(rule) =
        rule.filter(|rule| rule.traced && !(to_login && caller.login.is_empty() && rule.operation != "login"))
    {
        let named = response.extensions().get::<Target>().map(|target| target.0.clone());
        let by = response.extensions().get::<Author>().map(|author| author.0.clone());
        desk.trace(Operation {
            user: by.unwrap_or_else(|| caller.login.clone()),
            address: caller.peer.0.to_canonical().to_string(),
            operation: rule.operation.to_owned(),
            target: named.unwrap_or(target),
            status: response.status().as_u16(),
        })
        .await;
    }
    metrics::counter!("tocsin_http_requests_total", "class" => class(response.status())).increment(1);
    metrics::histogram!("tocsin_http_seconds").record(begin.elapsed().as_secs_f64());
    if of_console && to_login && route.as_deref() != Some("/connexion") {
        return Redirect::to("/connexion").into_response();
    }
    explain(&desk, &caller, of_console, response)
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..400 => "ok",
        400..500 => "refused",
        _ => "failed",
    }
}

/// Decides whether the request passes. Returns it, since a form's body has to be read for its word.
async fn admit(desk: &Desk, rule: &Rule, caller: &mut Caller, request: Request) -> Result<Request, Problem> {
    let (by_cookie, token) = match (bearer(request.headers()), cookie(request.headers(), COOKIE)) {
        (Some(token), _) => (false, Some(token)),
        (None, cookie) => (true, cookie),
    };
    if let Some(token) = token
        && let Some(login) = desk.sessions.login(&token, now_ms())
        && let Some(rights) = desk.users.rights(&login)
    {
        *caller = Caller {
            login,
            rights,
            token: Some(token),
            ..caller.clone()
        };
    }
    let signed = !caller.login.is_empty();
    match rule.need {
        Need::Nothing => {}
        Need::Session | Need::Any(_) if !signed => return Err(Problem::unauthenticated()),
        Need::Session => {}
        Need::Any(rights) => {
            let rights: BTreeSet<_> = rights.iter().copied().collect();
            if rights.is_disjoint(&caller.rights) {
                return Err(Problem::forbidden());
            }
        }
    }
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return Ok(request);
    }
    if comes_from_elsewhere(&request) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign-origin"));
    }
    match (&caller.token, by_cookie && rule.need != Need::Nothing) {
        (Some(token), true) => check_form_word(&form_word(token), request).await,
        _ => Ok(request),
    }
}

/// A browser says where a request comes from; other programs say nothing, and hold no cookie.
fn comes_from_elsewhere(request: &Request) -> bool {
    let headers = request.headers();
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none")
    {
        return true;
    }
    let host = text(header::HOST).or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    match text(header::ORIGIN) {
        Some(origin) => origin.strip_prefix("https://") != host,
        None => false,
    }
}

/// The word is in the header `X-CSRF-Token`, in the form's field `csrf`, or, for a form with a file, in the query.
async fn check_form_word(expected: &str, request: Request) -> Result<Request, Problem> {
    let refused = || Problem::new(StatusCode::FORBIDDEN, "form-expired");
    if let Some(word) = request.headers().get("x-csrf-token") {
        let fits = word.to_str().is_ok_and(|word| same(word, expected));
        return if fits { Ok(request) } else { Err(refused()) };
    }
    if request
        .uri()
        .query()
        .and_then(|query| field(query.as_bytes()))
        .is_some_and(|word| same(&word, expected))
    {
        return Ok(request);
    }
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(refused());
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, LARGEST_FORM)
        .await
        .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large"))?;
    if field(&bytes).is_some_and(|word| same(&word, expected)) {
        Ok(Request::from_parts(parts, Body::from(bytes)))
    } else {
        Err(refused())
    }
}

/// The value of `csrf`; hexadecimal, so nothing in it is escaped.
fn field(form: &[u8]) -> Option<String> {
    let form = std::str::from_utf8(form).ok()?;
    form.split('&')
        .find_map(|pair| pair.strip_prefix("csrf="))
        .map(str::to_owned)
}

fn caller(desk: &Desk, request: &Request, of_console: bool) -> Caller {
    let headers = request.headers();
    let language = if of_console {
        cookie(headers, LANGUAGE_COOKIE)
            .map(|tag| Language::from_tag(&tag))
            .unwrap_or_default()
    } else {
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        Language::accepted(accepted.unwrap_or_default())
    };
    let _ = desk;
    let peer = request.extensions().get::<Peer>().copied().unwrap_or_default();
    Caller {
        language,
        peer,
        ..Caller::default()
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// A cookie's value (RFC 6265 §5.4).
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name).then(|| value.to_owned())
        })
}

/// The values that stand for the route's parameters: what the operation is about.
fn parameters(route: &str, path: &str) -> String {
    let pairs = route.split('/').zip(path.split('/'));
    pairs
        .filter(|(name, _)| name.starts_with('{'))
        .map(|(_, value)| value)
        .collect::<Vec<_>>()
        .join("/")
}

/// Gives a refusal its words, now that the reader is known: JSON for programs, a page for people.
fn explain(desk: &Desk, caller: &Caller, of_console: bool, mut response: Response) -> Response {
    let problem = response.extensions_mut().remove::<Problem>();
    let problem = match (problem, response.status()) {
        (Some(problem), _) => problem,
        (None, StatusCode::METHOD_NOT_ALLOWED) => Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
        (None, _) => return response,
    };
    let words = desk.words(caller.language);
    if of_console {
        let mut page = console::problem_page(desk, caller, &problem).into_response();
        *page.status_mut() = problem.status();
        problem.decorate(&mut page);
        page
    } else {
        problem.json(words)
    }
}

/// Headers of every answer.
pub(crate) async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self' blob:; \
             form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert(
        "permissions-policy",
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_parameters_and_words_are_read() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; __Host-tocsin=abc ;b=2"));
        assert_eq!(cookie(&headers, COOKIE).as_deref(), Some("abc"));
        assert_eq!(cookie(&headers, "c"), None);
        assert_eq!(
            parameters("/api/v1/campaigns/{id}/launch", "/api/v1/campaigns/7/launch"),
            "7"
        );
        assert_eq!(field(b"a=1&csrf=00ff&b=2").as_deref(), Some("00ff"));
        assert_eq!(field(b"xcsrf=1"), None);
    }

    #[test]
    fn a_request_of_another_site_is_seen() {
        for (name, value, foreign) in [
            ("origin", "https://tocsin.example", false),
            ("origin", "https://evil.example", true),
            ("origin", "http://tocsin.example", true),
            ("origin", "null", true),
            ("sec-fetch-site", "cross-site", true),
            ("sec-fetch-site", "same-site", true),
            ("sec-fetch-site", "same-origin", false),
            ("accept", "*/*", false),
        ] {
            let request = Request::builder()
                .header("host", "tocsin.example")
                .header(name, value)
                .body(Body::empty())
                .unwrap();
            assert_eq!(comes_from_elsewhere(&request), foreign, "{name}: {value}");
        }
    }
}
