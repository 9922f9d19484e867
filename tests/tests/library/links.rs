//! Tests that the links in the documentation lead to files and headings that exist, and that the
//! troubleshooting page quotes messages that this project prints.

use std::path::{Path, PathBuf};

/// Prefixes of absolute links to files in this repository. The book uses such links for files
/// outside the book.
const REPOSITORY: [&str; 2] = [
    "https://github.com/cargo-pywasm/cargo-pywasm/blob/main/",
    "https://github.com/cargo-pywasm/cargo-pywasm/tree/main/",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

/// Adds all files in a directory that have this extension. Skips build directories, and hidden
/// directories except `.github`.
fn files(directory: &Path, of: &str, found: &mut Vec<PathBuf>) {
    for entry in directory.read_dir().expect("a directory").flatten() {
        let path = entry.path();
        let name = entry.file_name().into_string().expect("a UTF-8 name");
        if path.is_dir() {
            if name != "target" && (!name.starts_with('.') || name == ".github") {
                files(&path, of, found);
            }
        } else if path.extension().is_some_and(|extension| extension == of) {
            found.push(path);
        }
    }
}

/// Returns the lines of a page that are not in code blocks.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    page.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// Returns the targets of all inline links.
fn links(page: &str) -> Vec<&str> {
    let parts = prose(page).flat_map(|line| line.split("](").skip(1));
    parts.filter_map(|part| part.split(')').next()).collect()
}

/// Returns the anchors that GitHub and mdBook derive from the headings of a page.
fn anchors(page: &str) -> Vec<String> {
    let headings = prose(page).filter(|line| line.starts_with('#'));
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | ' ');
    headings
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .map(|text| text.chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}

/// Returns the reason why a link on a page is broken, or `None` if the link works.
fn problem(page: &Path, link: &str) -> Option<String> {
    let absolute = REPOSITORY.iter().find_map(|prefix| link.strip_prefix(prefix));
    let directory = match absolute {
        Some(_) => root(),
        None if link.contains("://") => return None,
        None => page.parent().expect("a directory").to_owned(),
    };
    let target = absolute.unwrap_or(link);
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if path.is_empty() { page.to_owned() } else { directory.join(path) };
    if !file.exists() {
        return Some(format!("{}: `{link}` does not exist", page.display()));
    }
    if anchor.is_empty() || file.extension().is_none_or(|extension| extension != "md") {
        return None;
    }
    let text = std::fs::read_to_string(&file).expect("a page");
    let is_known = anchors(&text).iter().any(|known| known == anchor);
    (!is_known).then(|| format!("{}: `{link}` names no heading", page.display()))
}

#[test]
fn documentation_has_no_broken_links() {
    let mut all = Vec::new();
    files(&root(), "md", &mut all);
    assert!(all.len() > 20, "{all:?}");
    let broken = all.iter().flat_map(|page| {
        let text = std::fs::read_to_string(page).expect("a page");
        let broken = links(&text).into_iter().filter_map(|link| problem(page, link));
        broken.collect::<Vec<_>>()
    });
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Checks that every message in a heading of the troubleshooting page is one that this project
/// prints.
#[test]
fn troubleshooting_quotes_real_messages() {
    let mut sources = Vec::new();
    for dir in ["cargo-pywasm/src", "cargo-pywasm/crates", "pywasm-build/src"] {
        files(&root().join(dir), "rs", &mut sources);
    }
    let sources = sources.iter().map(|path| std::fs::read_to_string(path).expect("a file"));
    let sources: String = sources.collect();
    // A backslash at the end of a line continues a string literal on the next line.
    let sources: Vec<&str> = sources.split("\\\n").map(str::trim_start).collect();
    let sources = sources.concat();
    let codes: Vec<String> = pywasm_audit::Code::ALL.iter().map(ToString::to_string).collect();
    let page = root().join("docs/guide/troubleshooting.md");
    let page = std::fs::read_to_string(page).expect("a page");
    let headings: Vec<&str> = page.lines().filter_map(|it| it.strip_prefix("### ")).collect();
    assert!(headings.len() > 10);
    for heading in headings {
        let message = heading.trim_matches('`');
        if let Some((_, code)) = message.trim_end_matches(']').split_once('[') {
            assert!(codes.iter().any(|known| known == code), "{heading}");
            continue;
        }
        for part in message.split('…') {
            assert!(sources.contains(part.trim()), "no source contains {part:?} of {heading}");
        }
    }
}

/// Checks that links from the guide to other files are repository URLs, because mdBook publishes
/// only the guide.
#[test]
fn book_has_every_page_and_links_no_file_outside() {
    let guide = root().join("docs/guide");
    let summary = std::fs::read_to_string(guide.join("SUMMARY.md")).expect("a summary");
    for entry in guide.read_dir().expect("the guide").flatten() {
        let name = entry.file_name().into_string().expect("a UTF-8 name");
        if !name.ends_with(".md") || name == "SUMMARY.md" {
            continue;
        }
        assert!(summary.contains(&format!("({name})")), "{name}");
        let text = std::fs::read_to_string(entry.path()).expect("a page");
        assert!(links(&text).iter().all(|link| !link.starts_with("../")), "{name}");
    }
}
