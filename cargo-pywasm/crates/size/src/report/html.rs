//! A treemap in one HTML file, which loads no other files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Measured;
use crate::{Breakdown, Kind, Origin, Row, Section};

/// The page: style and script, with a placeholder for the data.
const PAGE: &str = include_str!("treemap.html");
const PLACEHOLDER: &str = "{\"place\":\"of the data\"}";

/// A box in the treemap, including its inner boxes.
#[derive(Debug, Default)]
struct Node {
    /// The number of bytes in the box, excluding those in inner boxes.
    bytes: u64,
    /// The corresponding number of bytes in the older module.
    old: u64,
    inner: BTreeMap<String, Node>,
}

/// The maximum number of boxes directly inside another box. If there are more, the smallest are
/// merged, because they would be invisible.
const MAX_BOXES: usize = 500;
/// The maximum nesting depth of boxes for a dotted name.
const MAX_DEPTH: usize = 32;

/// Returns the HTML page for a module. If there is an older breakdown, the boxes also show the
/// changes.
#[must_use]
pub fn html(one: &Measured, old: Option<&Breakdown>) -> String {
    let mut kinds: BTreeMap<Kind, Node> = BTreeMap::new();
    for (all, is_old) in [(Some(&one.all), false), (old, true)] {
        for row in all.iter().flat_map(|all| &all.rows) {
            let Some(all) = all else { continue };
            let mut node = kinds.entry(row.kind).or_default();
            for part in path(all, row) {
                node = node.inner.entry(part).or_default();
            }
            if is_old {
                node.old += row.bytes;
            } else {
                node.bytes += row.bytes;
            }
        }
    }
    let children: Vec<Value> =
        kinds.into_iter().map(|(kind, node)| value(kind.word(), node).0).collect();
    let data = json!({
        "file": one.file.file_name().unwrap_or(one.file.as_str()),
        "bytes": one.all.total,
        "gzip": one.all.gzip,
        "notes": one.all.notes,
        "old": one.diff.as_ref().map(|(name, diff)| json!({ "file": name.file_name(), "bytes": diff.before })),
        "kinds": children,
    });
    // Names such as `</script>` and `<!--` could end the script element or change how it is parsed.
    let data = data.to_string().replace('<', "\\u003c");
    PAGE.replacen(PLACEHOLDER, &data, 1)
}

/// Returns the names of the boxes that contain a row, outermost first. The box for the row's kind,
/// which contains all of them, is not included.
fn path(all: &Breakdown, row: &Row) -> Vec<String> {
    let mut path: Vec<String> = match all.origin(row) {
        // Each part of a dotted name is a box inside the box of the part before it. The depth is
        // limited because a record can contain any name.
        Origin::Python(name) => return name.splitn(MAX_DEPTH, '.').map(str::to_owned).collect(),
        Origin::Object(object) => object.archive.iter().chain([&object.name]).cloned().collect(),
        Origin::Crate(name) => vec![name.clone()],
        origin => vec![origin.to_string()],
    };
    if let Some(name) = all.name(row) {
        let is_data = *all.section(row) == Section::DATA;
        path.push(if is_data { format!("{name} (data)") } else { name.to_owned() });
    }
    path
}

/// Returns a box as the JSON array `[name, bytes, older bytes, parts]`, with the largest part
/// first. Also returns the total size of the box in the newer and in the older module.
fn value(name: &str, node: Node) -> (Value, u64, u64) {
    let (mut bytes, mut old) = (node.bytes, node.old);
    let has_parts = !node.inner.is_empty();
    let mut parts: Vec<(Value, u64, u64)> =
        node.inner.into_iter().map(|(name, node)| value(&name, node)).collect();
    if has_parts && (node.bytes > 0 || node.old > 0) {
        parts.push((json!([name, node.bytes, node.old]), node.bytes, node.old));
    }
    parts.sort_by_key(|(_, bytes, old)| std::cmp::Reverse(*bytes.max(old)));
    if has_parts {
        bytes = parts.iter().map(|it| it.1).sum();
        old = parts.iter().map(|it| it.2).sum();
    }
    if parts.len() > MAX_BOXES {
        let rest = parts.split_off(MAX_BOXES);
        let (bytes, old) = (rest.iter().map(|it| it.1).sum(), rest.iter().map(|it| it.2).sum());
        parts.push((json!([format!("{} smaller", rest.len()), bytes, old]), bytes, old));
    }
    let parts: Vec<Value> = parts.into_iter().map(|it| it.0).collect();
    let value =
        if has_parts { json!([name, bytes, old, parts]) } else { json!([name, bytes, old]) };
    (value, bytes, old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breakdown::tests::{breakdown, example};
    use crate::{By, Diff};

    fn data(page: &str) -> Value {
        let begin = page.find("id=\"data\">").unwrap() + "id=\"data\">".len();
        let end = begin + page[begin..].find("</script>").unwrap();
        serde_json::from_str(&page[begin..end]).unwrap()
    }

    fn leaves(value: &Value) -> u64 {
        match value.get(3).and_then(Value::as_array) {
            Some(parts) => parts.iter().map(leaves).sum(),
            None => value[1].as_u64().unwrap(),
        }
    }

    #[test]
    fn page_has_every_byte_once_and_loads_nothing() {
        let all = example();
        let old = Breakdown::default();
        let diff = Some(("old.wasm".into(), Diff::of(&old, &all, By::Origin)));
        let page = html(&Measured { file: "d/x.wasm".into(), all: all.clone(), diff }, Some(&old));
        let data = data(&page);
        let kinds = data["kinds"].as_array().unwrap();
        assert_eq!(kinds.iter().map(leaves).sum::<u64>(), all.total);
        // Package `email` has code of its own, in addition to that of module `email.mime.text`.
        assert_eq!(
            kinds[0].to_string(),
            r#"["python",30,0,[["email",30,0,[["mime",20,0,[["text",20,0]]],["email",10,0]]]]]"#
        );
        for word in ["http:", "https:", "src=", "@import", "url("] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn name_cannot_end_the_script() {
        let all = breakdown(&[(Kind::C, "code", "x", "", "</script><script>alert(1)</script>", 5)]);
        let page = html(&Measured { file: "x.wasm".into(), all, diff: None }, None);
        assert!(!page.contains("<script>alert"));
        assert_eq!(data(&page)["kinds"][0][3][0][3][0][0], "</script><script>alert(1)</script>");
    }

    #[test]
    fn dotted_name_has_limited_depth() {
        let name = "a.".repeat(1 << 20);
        let all = breakdown(&[(Kind::Python, "data", &name, "", "x", 5)]);
        let page = html(&Measured { file: "x.wasm".into(), all, diff: None }, None);
        assert_eq!(data(&page)["kinds"].as_array().unwrap().iter().map(leaves).sum::<u64>(), 5);
    }

    #[test]
    fn small_parts_are_merged() {
        let names: Vec<String> = (0..MAX_BOXES + 20).map(|it| format!("f{it}")).collect();
        let rows: Vec<_> =
            names.iter().map(|name| (Kind::C, "code", "x", "", name.as_str(), 3)).collect();
        let page = html(&Measured { file: "x".into(), all: breakdown(&rows), diff: None }, None);
        let data = data(&page);
        let parts = data["kinds"][0][3][0][3].as_array().unwrap();
        assert_eq!(parts.len(), MAX_BOXES + 1);
        assert_eq!(parts[MAX_BOXES].to_string(), r#"["20 smaller",60,0]"#);
    }
}
