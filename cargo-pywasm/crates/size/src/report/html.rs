//! A treemap in one file, which opens from disk: nothing in it asks for the network.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Measured;
use crate::Breakdown;
use crate::Kind;
use crate::Row;

/// The page: style and program, with a place for the data.
const PAGE: &str = include_str!("treemap.html");
const PLACE: &str = "{\"place\":\"of the data\"}";

/// A box of the map and those in it.
#[derive(Debug, Default)]
struct Node {
    /// Bytes of its own: what is in it counts for itself.
    bytes: u64,
    /// Bytes of its own in the older module.
    old: u64,
    inner: BTreeMap<String, Node>,
}

/// Of what has more parts than that, the small ones are put together: nobody sees them.
const MOST: usize = 500;
/// Boxes in boxes that a name of dots may make.
const DEEPEST: usize = 32;

/// The page of a module; of one that is compared with an older one, what became of each part.
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
    // Text of the module must not end the script: `</script>` and `<!--` begin with `<`.
    let data = data.to_string().replace('<', "\\u003c");
    PAGE.replacen(PLACE, &data, 1)
}

/// Where a row is in the map, below its kind.
fn path(all: &Breakdown, row: &Row) -> Vec<String> {
    let origin = all.text(row.origin);
    let name = all.text(row.name);
    let mut path: Vec<String> = match row.kind {
        // What a package has of its own is a part beside its modules. No module lies as deep as that; a record
        // of strangers may say so.
        Kind::Python => return origin.splitn(DEEPEST, '.').map(str::to_owned).collect(),
        // `libpython3.13.a(call.o)`
        Kind::C => match origin.strip_suffix(')').and_then(|it| it.split_once('(')) {
            Some((archive, member)) => vec![archive.to_owned(), member.to_owned()],
            None => vec![origin.to_owned()],
        },
        Kind::Rust => vec![origin.trim_start_matches("crate ").to_owned()],
        Kind::Unknown | Kind::Debug | Kind::Format => vec![origin.to_owned()],
    };
    if !name.is_empty() {
        let is_data = all.text(row.section) == "data";
        path.push(if is_data { format!("{name} (data)") } else { name.to_owned() });
    }
    path
}

/// `[name, bytes, bytes before, parts]`, the largest part first, and the sums of both.
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
    if parts.len() > MOST {
        let rest = parts.split_off(MOST);
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
    use crate::By;
    use crate::Diff;
    use crate::view::tests::{breakdown, example};

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
    fn the_page_has_every_byte_once_and_asks_for_nothing() {
        let all = example();
        let old = Breakdown::default();
        let diff = Some(("old.wasm".into(), Diff::of(&old, &all, By::Origin)));
        let page = html(&Measured { file: "d/x.wasm".into(), all: all.clone(), diff }, Some(&old));
        let data = data(&page);
        let kinds = data["kinds"].as_array().unwrap();
        assert_eq!(kinds.iter().map(leaves).sum::<u64>(), all.total);
        // `email` has code of its own beside `email.mime.text`.
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
    fn a_name_cannot_end_the_script() {
        let all = breakdown(&[(Kind::C, "code", "x", "", "</script><script>alert(1)</script>", 5)]);
        let page = html(&Measured { file: "x.wasm".into(), all, diff: None }, None);
        assert!(!page.contains("<script>alert"));
        assert_eq!(data(&page)["kinds"][0][3][0][3][0][0], "</script><script>alert(1)</script>");
    }

    #[test]
    fn a_name_of_dots_is_no_endless_depth() {
        let name = "a.".repeat(1 << 20);
        let all = breakdown(&[(Kind::Python, "data", &name, "", "x", 5)]);
        let page = html(&Measured { file: "x.wasm".into(), all, diff: None }, None);
        assert_eq!(data(&page)["kinds"].as_array().unwrap().iter().map(leaves).sum::<u64>(), 5);
    }

    #[test]
    fn very_many_parts_are_put_together() {
        let names: Vec<String> = (0..MOST + 20).map(|it| format!("f{it}")).collect();
        let rows: Vec<_> =
            names.iter().map(|name| (Kind::C, "code", "x", "", name.as_str(), 3)).collect();
        let page = html(&Measured { file: "x".into(), all: breakdown(&rows), diff: None }, None);
        let data = data(&page);
        let parts = data["kinds"][0][3][0][3].as_array().unwrap();
        assert_eq!(parts.len(), MOST + 1);
        assert_eq!(parts[MOST].to_string(), r#"["20 smaller",60,0]"#);
    }
}
