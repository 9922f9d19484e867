//! Sends requests for http, https and file URLs. Supports redirects and proxies.
//!
//! Redirects from https to http are refused. Digests are not checked here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use camino::Utf8PathBuf;
use percent_encoding::percent_decode_str;
use pywasm_session::Environment;
use ureq::http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, LOCATION, RETRY_AFTER};
use ureq::http::{self, HeaderName};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::error::Failure;
use super::proxy::proxy_for;

/// The maximum number of redirects to follow. Downloads from GitHub releases need one.
const MAX_REDIRECTS: usize = 8;
/// The time limit for each of two steps: resolving the host name and connecting.
const CONNECT: Duration = Duration::from_secs(20);
/// The maximum time to wait for data, both before a response begins and while its body is received.
const SILENCE: Duration = Duration::from_secs(60);

/// A successful response.
pub(super) struct Response {
    /// The body.
    pub(super) body: Box<dyn Read>,
    /// The offset in the file at which the body begins: the requested offset, or 0 if the server
    /// sends the whole file.
    pub(super) offset: u64,
    /// The size of the whole file, if the server reports it.
    pub(super) total: Option<u64>,
}

/// An HTTP client with one agent for each proxy.
pub(super) struct Client<'a> {
    env: &'a Environment,
    agents: RefCell<BTreeMap<Option<String>, Agent>>,
}

impl<'a> Client<'a> {
    pub(super) fn new(env: &'a Environment) -> Self {
        Self { env, agents: RefCell::default() }
    }

    /// Requests the part of the file at `url` that begins at `offset`. A server that does not
    /// support ranges sends the whole file. Returns `None` if the file ends at or before `offset`.
    pub(super) fn get(&self, url: &str, offset: u64) -> Result<Option<Response>, Failure> {
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
                    return Ok(Some(Response { body: reader(response), offset: 0, total }));
                }
                206 => return partial(response, offset).map(Some),
                416 if offset > 0 => return Ok(None),
                301 | 302 | 303 | 307 | 308 => {
                    let Some(location) = header(&response, &LOCATION) else {
                        return Err(Failure::Refused(format!(
                            "the redirect ({status}) has no target"
                        )));
                    };
                    url = redirected(&url, location)?;
                }
                code => {
                    let retry_after = header(&response, &RETRY_AFTER).and_then(|s| s.parse().ok());
                    return Err(Failure::Status { code, retry_after });
                }
            }
        }
        Err(Failure::Refused(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// Checks that the server of a URL responds. Any HTTP status counts as a response.
    pub(super) fn probe(&self, url: &str) -> Result<(), Failure> {
        if local_path(url).is_some() {
            return Ok(());
        }
        self.agent(url)?.head(url).call().map(drop).map_err(|error| failure(&error))
    }

    fn request(&self, url: &str, offset: u64) -> Result<http::Response<Body>, Failure> {
        // The server must not compress the response, because the digest is that of the original
        // bytes.
        let mut request = self.agent(url)?.get(url).header(ACCEPT_ENCODING, "identity");
        if offset > 0 {
            request = request.header("Range", format!("bytes={offset}-"));
        }
        request.call().map_err(|error| failure(&error))
    }

    fn agent(&self, url: &str) -> Result<Agent, Failure> {
        let proxy = proxy_for(url, self.env);
        if let Some(agent) = self.agents.borrow().get(&proxy.map(str::to_owned)) {
            return Ok(agent.clone());
        }
        let parsed = proxy.map(parse_proxy).transpose()?;
        // The machine's certificates, which `SSL_CERT_FILE` can replace, and not a list that is
        // compiled in.
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let agent: Agent = Agent::config_builder()
            .tls_config(tls)
            .proxy(parsed)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            // `timeout_recv_response` is not set, because it would also limit the time for the
            // whole body. `timeout_recv_body` restarts with each read (ureq 3.2,
            // `CallTimings::next_timeout`).
            .timeout_send_request(Some(SILENCE))
            .timeout_recv_body(Some(SILENCE))
            .user_agent(concat!("cargo-pywasm/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        self.agents.borrow_mut().insert(proxy.map(str::to_owned), agent.clone());
        Ok(agent)
    }
}

fn parse_proxy(text: &str) -> Result<ureq::Proxy, Failure> {
    let proxy = ureq::Proxy::new(text)
        .map_err(|_| Failure::Refused("the value of the proxy variable is not a URL".to_owned()))?;
    match proxy.protocol() {
        ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(proxy),
        _ => Err(Failure::Refused("SOCKS proxies are not supported, only HTTP proxies".to_owned())),
    }
}

fn header<'r>(response: &'r http::Response<Body>, name: &HeaderName) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

fn reader(response: http::Response<Body>) -> Box<dyn Read> {
    Box::new(response.into_body().into_reader())
}

/// Accepts a response with status 206 only if its body begins at the requested offset.
fn partial(response: http::Response<Body>, offset: u64) -> Result<Response, Failure> {
    let range = header(&response, &CONTENT_RANGE).and_then(content_range);
    match range {
        Some((start, total)) if start == offset => {
            Ok(Response { body: reader(response), offset, total })
        }
        _ => Err(Failure::Refused("the server sent a different range than requested".to_owned())),
    }
}

/// Parses a `Content-Range` such as `bytes 100-199/200` and returns its start and the total size:
/// <https://www.rfc-editor.org/rfc/rfc9110#section-14.4>.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

/// Resolves the target of a redirect against the requested URL, but does not resolve `.` and `..`:
/// <https://www.rfc-editor.org/rfc/rfc3986#section-5.2>.
fn redirected(from: &str, location: &str) -> Result<String, Failure> {
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
            Err(Failure::Refused(format!("refused a redirect from https to the unencrypted {to}")))
        }
        _ => Err(Failure::Refused(format!(
            "refused a redirect to {to}, which is not an http or https URL"
        ))),
    }
}

/// Opens a local file, with the same result as [`Client::get`] for a remote one.
fn local(url: &str, offset: u64) -> Result<Option<Response>, Failure> {
    let path = local_path(url)
        .ok_or_else(|| Failure::Refused("a file URL needs an absolute path".to_owned()))?;
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::NoFile,
        _ => Failure::Refused(error.to_string()),
    };
    let mut file = fs_err::File::open(&path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(Failure::Refused("not a regular file".to_owned()));
    }
    if offset > meta.len() {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(offset)).map_err(failed)?;
    Ok(Some(Response { body: Box::new(file), offset, total: Some(meta.len()) }))
}

/// Returns the path of a `file:///…` URL.
fn local_path(url: &str) -> Option<Utf8PathBuf> {
    let path = url.strip_prefix("file://")?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    if !path.starts_with('/') {
        return None;
    }
    Some(percent_decode_str(path).decode_utf8().ok()?.into_owned().into())
}

/// Converts an error from the HTTP client.
fn failure(error: &ureq::Error) -> Failure {
    match error {
        ureq::Error::Io(error) if is_tls(error) => Failure::Refused(error.to_string()),
        // No server listens on the port, so a retry would only delay the attempt at the next
        // location.
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Failure::Refused("the connection was refused".to_owned())
        }
        ureq::Error::Io(error) if is_unknown_host(error) => {
            Failure::Refused(UNKNOWN_HOST.to_owned())
        }
        ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed => {
            Failure::Connection(error.to_string())
        }
        ureq::Error::HostNotFound => Failure::Refused(UNKNOWN_HOST.to_owned()),
        other => Failure::Refused(other.to_string()),
    }
}

/// The message for a host name that cannot be resolved. This failure is not retried, because in a
/// closed network every retry would fail.
const UNKNOWN_HOST: &str = "the host name cannot be resolved";

/// Returns true if the error is a failed name resolution. std has no error kind for it.
fn is_unknown_host(error: &std::io::Error) -> bool {
    error.to_string().contains("failed to lookup address")
}

/// Returns true for a TLS error, such as an invalid certificate. ureq wraps it in an I/O error.
fn is_tls(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::InvalidData
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_resolve_and_never_downgrade() {
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
            assert!(matches!(refused, Failure::Refused(_)), "{location}");
        }
        assert!(redirected("http://h.example/", "file:///etc/passwd").is_err());
    }

    #[test]
    fn content_ranges_are_parsed() {
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
}
