//! One request: http, https or file, redirects and proxies. It reads no variables
//! but through [`Environment`], follows no redirect to a less secure place, and
//! decides nothing about digests.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use camino::Utf8PathBuf;
use ureq::http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, LOCATION, RETRY_AFTER};
use ureq::http::{HeaderName, Response};
use ureq::{Agent, Body};

use super::error::Said;
use super::proxy::proxy_for;
use pywasm_session::Environment;

/// The pauses between attempts at one place.
#[derive(Clone, Debug)]
pub struct Retries {
    /// One pause after each failed attempt; the place is given up when they are used up.
    pub pauses: Vec<Duration>,
    /// The longest `Retry-After` that is waited for.
    pub longest: Duration,
}

impl Default for Retries {
    /// Four more attempts within eight seconds: long enough for a server's restart,
    /// short enough to try the next place.
    fn default() -> Self {
        let pauses = [500, 1_000, 2_000, 4_000].map(Duration::from_millis).to_vec();
        Self { pauses, longest: Duration::from_secs(30) }
    }
}

impl Retries {
    /// As many attempts, without a pause, for tests.
    #[must_use]
    pub fn without_pauses(count: usize) -> Self {
        Self { pauses: vec![Duration::ZERO; count], longest: Duration::ZERO }
    }

    /// How long to wait after the failure number `failed`, counted from 0.
    pub(super) fn pause(&self, failed: usize, said: &Said) -> Option<Duration> {
        let pause = *self.pauses.get(failed)?;
        match said {
            Said::Status { retry_after: Some(seconds), .. } => {
                Some(Duration::from_secs(*seconds).min(self.longest).max(pause))
            }
            _ => Some(pause),
        }
    }
}

/// The redirects that are followed. GitHub's releases need one.
const MAX_REDIRECTS: usize = 8;
/// A proxy or a server that takes longer is taken for dead.
const CONNECT: Duration = Duration::from_secs(20);
/// A server that says nothing for so long, before its answer or within it, is given up.
const SILENCE: Duration = Duration::from_secs(60);

/// What a server sends.
pub(super) struct Answer {
    /// The body.
    pub(super) body: Box<dyn Read>,
    /// The offset in the file at which the body begins: what was asked for, or 0.
    pub(super) offset: u64,
    /// The size of the whole file, when the server says it.
    pub(super) total: Option<u64>,
}

/// Makes requests; keeps the agent of each proxy.
pub(super) struct Client<'a> {
    env: &'a Environment,
    agents: RefCell<BTreeMap<Option<String>, Agent>>,
}

impl<'a> Client<'a> {
    pub(super) fn new(env: &'a Environment) -> Self {
        Self { env, agents: RefCell::default() }
    }

    /// The file at `url` from `offset` on, or from its beginning when the server
    /// does not do ranges. `Ok(None)` says that the file has no such offset.
    pub(super) fn get(&self, url: &str, offset: u64) -> Result<Option<Answer>, Said> {
        if url.starts_with("file://") {
            return local(url, offset);
        }
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.request(&url, offset)?;
            let status = response.status().as_u16();
            match status {
                200 => {
                    let total = header(&response, &CONTENT_LENGTH).and_then(|n| n.parse().ok());
                    return Ok(Some(Answer { body: reader(response), offset: 0, total }));
                }
                206 => return partial(response, offset).map(Some),
                416 if offset > 0 => return Ok(None),
                301 | 302 | 303 | 307 | 308 => {
                    let Some(location) = header(&response, &LOCATION) else {
                        return Err(Said::Refused(format!("a redirect ({status}) to nowhere")));
                    };
                    url = redirected(&url, location)?;
                }
                code => {
                    let retry_after = header(&response, &RETRY_AFTER).and_then(|s| s.parse().ok());
                    return Err(Said::Status { code, retry_after });
                }
            }
        }
        Err(Said::Refused(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// Whether the server of a URL answers at all, whatever it answers.
    pub(super) fn knock(&self, url: &str) -> Result<(), Said> {
        if local_path(url).is_some() {
            return Ok(());
        }
        self.agent(url)?.head(url).call().map(drop).map_err(|error| said(&error))
    }

    fn request(&self, url: &str, offset: u64) -> Result<Response<Body>, Said> {
        // No compression on the way: the digest is of the bytes as they are stored.
        let mut request = self.agent(url)?.get(url).header(ACCEPT_ENCODING, "identity");
        if offset > 0 {
            request = request.header("Range", format!("bytes={offset}-"));
        }
        request.call().map_err(|error| said(&error))
    }

    fn agent(&self, url: &str) -> Result<Agent, Said> {
        let proxy = proxy_for(url, self.env);
        if let Some(agent) = self.agents.borrow().get(&proxy.map(str::to_owned)) {
            return Ok(agent.clone());
        }
        let parsed = proxy.map(parse_proxy).transpose()?;
        let agent: Agent = Agent::config_builder()
            .proxy(parsed)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            // Not `timeout_recv_response`: the limit of a phase is a deadline for all of
            // the next one, and would end every body that takes longer. That of the phase
            // itself begins anew with each read (ureq 3.2, `CallTimings::next_timeout`).
            .timeout_send_request(Some(SILENCE))
            .timeout_recv_body(Some(SILENCE))
            .user_agent(concat!("cargo-pywasm/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        self.agents.borrow_mut().insert(proxy.map(str::to_owned), agent.clone());
        Ok(agent)
    }
}

fn parse_proxy(text: &str) -> Result<ureq::Proxy, Said> {
    let proxy = ureq::Proxy::new(text)
        .map_err(|_| Said::Refused("the proxy variable is not a URL".to_owned()))?;
    match proxy.protocol() {
        ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(proxy),
        _ => Err(Said::Refused("the proxy is a SOCKS one: an HTTP proxy is needed".to_owned())),
    }
}

fn header<'r>(response: &'r Response<Body>, name: &HeaderName) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

fn reader(response: Response<Body>) -> Box<dyn Read> {
    Box::new(response.into_body().into_reader())
}

/// A 206 answer is used only when it says that it begins where it was asked to.
fn partial(response: Response<Body>, offset: u64) -> Result<Answer, Said> {
    let range = header(&response, &CONTENT_RANGE).and_then(content_range);
    match range {
        Some((start, total)) if start == offset => {
            Ok(Answer { body: reader(response), offset, total })
        }
        _ => Err(Said::Refused("a partial answer that is not the part asked for".to_owned())),
    }
}

/// Start and total of `bytes 100-199/200` (RFC 9110, 14.4).
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

/// Where a redirect leads (RFC 3986, 5.2, as far as servers use it).
fn redirected(from: &str, location: &str) -> Result<String, Said> {
    let (scheme, rest) = from.split_once("://").unwrap_or(("http", from));
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let to = if location.contains("://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{host}{location}")
    } else {
        let path = path.split(['?', '#']).next().unwrap_or(path);
        let directory = path.rfind('/').map_or("/", |slash| &path[..=slash]);
        format!("{scheme}://{host}{directory}{location}")
    };
    let (to_scheme, _) = to.split_once("://").unwrap_or_default();
    match (scheme, to_scheme.to_ascii_lowercase().as_str()) {
        (_, "https") | ("http", "http") => Ok(to),
        ("https", "http") => {
            Err(Said::Refused(format!("a redirect from https to the unencrypted {to}")))
        }
        _ => Err(Said::Refused(format!("a redirect to {to}"))),
    }
}

/// A local file, as if a server had it.
fn local(url: &str, offset: u64) -> Result<Option<Answer>, Said> {
    let path = local_path(url)
        .ok_or_else(|| Said::Refused("a file URL is `file:///` and an absolute path".to_owned()))?;
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Said::NoFile,
        _ => Said::Refused(error.to_string()),
    };
    let mut file = fs_err::File::open(&path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(Said::Refused("not a regular file".to_owned()));
    }
    if offset > meta.len() {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(offset)).map_err(failed)?;
    Ok(Some(Answer { body: Box::new(file), offset, total: Some(meta.len()) }))
}

/// The path of a `file:///…` URL, percent-decoded.
fn local_path(url: &str) -> Option<Utf8PathBuf> {
    let path = url.strip_prefix("file://")?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    if !path.starts_with('/') {
        return None;
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = (first == b'%').then(|| tail.get(..2)).flatten();
        let value = escaped
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match value {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok().map(Utf8PathBuf::from)
}

/// What an error of the HTTP client means for the place that was asked.
fn said(error: &ureq::Error) -> Said {
    match error {
        ureq::Error::Io(error) if is_certificate(error) => Said::Refused(error.to_string()),
        // Nothing listens there: the next place is nearer than the end of the pauses.
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Said::Refused("the connection is refused".to_owned())
        }
        ureq::Error::Io(error) if is_unknown_host(error) => Said::Refused(UNKNOWN_HOST.to_owned()),
        ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed => {
            Said::Connection(error.to_string())
        }
        ureq::Error::HostNotFound => Said::Refused(UNKNOWN_HOST.to_owned()),
        other => Said::Refused(other.to_string()),
    }
}

/// What is said of a host that can't be found. A closed network says so at once, and says so
/// again: there is no use in asking twice.
const UNKNOWN_HOST: &str = "the host is not known on this network";

/// The standard library has no kind for a name that can't be resolved.
fn is_unknown_host(error: &std::io::Error) -> bool {
    error.to_string().contains("failed to lookup address")
}

/// TLS errors arrive wrapped as I/O errors; a certificate does not get better by asking again.
fn is_certificate(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::InvalidData
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_resolved_and_never_downgraded() {
        let from = "https://h.example/a/b?q";
        for (location, to) in [
            ("https://o.example/x", "https://o.example/x"),
            ("//o.example/x", "https://o.example/x"),
            ("/x", "https://h.example/x"),
            ("x", "https://h.example/a/x"),
        ] {
            assert_eq!(redirected(from, location).unwrap(), to);
        }
        assert_eq!(redirected("http://h.example", "x").unwrap(), "http://h.example/x");
        for location in ["http://h.example/x", "HTTP://h.example/x", "file:///etc/passwd"] {
            let refused = redirected(from, location).unwrap_err();
            assert!(matches!(refused, Said::Refused(_)), "{location}");
        }
        assert!(redirected("http://h.example/", "file:///etc/passwd").is_err());
    }

    #[test]
    fn content_ranges_are_read() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(content_range("bytes */10"), None);
    }

    #[test]
    fn file_urls_are_decoded() {
        assert_eq!(local_path("file:///a%20b%25").unwrap(), "/a b%");
        assert_eq!(local_path("file://localhost/a").unwrap(), "/a");
        assert_eq!(local_path("file://relative"), None);
    }

    #[test]
    fn retry_after_is_honoured_up_to_a_limit() {
        let retries = Retries::default();
        let said = |retry_after| Said::Status { code: 503, retry_after };
        assert_eq!(retries.pause(0, &said(None)), Some(Duration::from_millis(500)));
        assert_eq!(retries.pause(0, &said(Some(7))), Some(Duration::from_secs(7)));
        assert_eq!(retries.pause(0, &said(Some(9999))), Some(Duration::from_secs(30)));
        assert_eq!(retries.pause(4, &said(Some(7))), None);
    }
}
