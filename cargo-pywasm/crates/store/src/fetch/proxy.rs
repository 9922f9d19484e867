//! Selects the proxy for a URL from the same environment variables as curl.
//!
//! `ureq::Proxy::try_from_env` is not used, because it reads the process environment and prefers
//! `ALL_PROXY` to the variable for the URL's scheme.

use pywasm_session::Environment;

/// Returns the proxy for a URL, or `None` if no proxy is set or `no_proxy` excludes the host.
///
/// The URL's scheme selects `https_proxy` or `http_proxy`; `all_proxy` is the fallback. Lower-case
/// names take precedence over upper-case ones: <https://curl.se/docs/manpage.html#ENVIRONMENT>.
pub(super) fn proxy_for<'a>(url: &str, env: &'a Environment) -> Option<&'a str> {
    let (scheme, rest) = url.split_once("://")?;
    let either = |name: &str| env.text(name).or_else(|| env.text(&name.to_ascii_uppercase()));
    let by_scheme = if scheme == "https" { "https_proxy" } else { "http_proxy" };
    let proxy = either(by_scheme).or_else(|| either("all_proxy"))?;
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    let host = authority.rsplit('@').next().unwrap_or(authority);
    if either("no_proxy").is_some_and(|list| is_excluded(host, list)) {
        return None;
    }
    Some(proxy)
}

/// Returns true if a `no_proxy` list excludes `host`, which may include a port. An entry such as
/// `a.example` or `.a.example` matches that host and its subdomains; `*` matches every host.
fn is_excluded(host: &str, list: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host.as_str(),
    };
    list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        let suffix = entry.trim_start_matches('*').trim_start_matches('.');
        entry == "*"
            || entry == host
            || (!suffix.is_empty()
                && (name == suffix || name.strip_suffix(suffix).is_some_and(|n| n.ends_with('.'))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_selects_and_all_proxy_is_the_fallback() {
        let env = Environment::of(&[("https_proxy", "http://s:1"), ("ALL_PROXY", "http://a:1")]);
        assert_eq!(proxy_for("https://h/x", &env), Some("http://s:1"));
        assert_eq!(proxy_for("http://h/x", &env), Some("http://a:1"));
        let env = Environment::of(&[("HTTP_PROXY", "http://p:1"), ("http_proxy", "http://q:1")]);
        assert_eq!(proxy_for("http://h/x", &env), Some("http://q:1"));
        assert_eq!(proxy_for("https://h/x", &env), None);
        assert_eq!(proxy_for("https://h/x", &Environment::default()), None);
    }

    #[test]
    fn excluded_hosts_and_subdomains_have_no_proxy() {
        for (host, list, excluded) in [
            ("a.example", "a.example", true),
            ("x.a.example:8080", "a.example", true),
            ("x.a.example", ".a.example", true),
            ("x.a.example", "*.a.example", true),
            ("xa.example", "a.example", false),
            ("b.example", "a.example, B.example", true),
            ("127.0.0.1:99", "127.0.0.1", true),
            ("127.0.0.1:99", "127.0.0.1:98", false),
            ("any.example", "*", true),
            ("any.example", ",", false),
        ] {
            assert_eq!(is_excluded(host, list), excluded, "{host} in {list}");
        }
    }
}
