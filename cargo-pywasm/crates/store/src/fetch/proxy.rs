//! Which proxy a URL goes through, by the variables that curl made customary.
//! Pure: the environment is handed in.

use pywasm_session::Environment;

/// The proxy for a URL, when one is set and the host is not excepted.
///
/// `https_proxy` or `http_proxy` by the URL's scheme, else `all_proxy`; lower case
/// before upper case, as curl does (<https://curl.se/docs/manpage.html#ENVIRONMENT>).
pub(super) fn proxy_for<'a>(url: &str, env: &'a Environment) -> Option<&'a str> {
    let (scheme, rest) = url.split_once("://")?;
    let either = |name: &str| env.text(name).or_else(|| env.text(&name.to_ascii_uppercase()));
    let by_scheme = if scheme == "https" { "https_proxy" } else { "http_proxy" };
    let proxy = either(by_scheme).or_else(|| either("all_proxy"))?;
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    let host = authority.rsplit('@').next().unwrap_or(authority);
    if either("no_proxy").is_some_and(|list| is_excepted(host, list)) {
        return None;
    }
    Some(proxy)
}

/// Whether a host, with or without its port, is on a `no_proxy` list: names match
/// themselves and their subdomains, with or without a leading dot; `*` is everything.
fn is_excepted(host: &str, list: &str) -> bool {
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
    fn the_scheme_chooses_and_all_proxy_is_the_rest() {
        let env = Environment::of(&[("https_proxy", "http://s:1"), ("ALL_PROXY", "http://a:1")]);
        assert_eq!(proxy_for("https://h/x", &env), Some("http://s:1"));
        assert_eq!(proxy_for("http://h/x", &env), Some("http://a:1"));
        let env = Environment::of(&[("HTTP_PROXY", "http://p:1"), ("http_proxy", "http://q:1")]);
        assert_eq!(proxy_for("http://h/x", &env), Some("http://q:1"));
        assert_eq!(proxy_for("https://h/x", &env), None);
        assert_eq!(proxy_for("https://h/x", &Environment::default()), None);
    }

    #[test]
    fn excepted_hosts_and_their_subdomains_go_direct() {
        for (host, list, excepted) in [
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
            assert_eq!(is_excepted(host, list), excepted, "{host} in {list}");
        }
    }
}
