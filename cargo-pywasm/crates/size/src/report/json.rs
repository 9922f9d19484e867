//! The report as JSON, for programs. `docs/guide/size.md` describes the format.

use serde_json::{Value, json};

use super::Measured;
use crate::By;
use crate::Kind;
use crate::Over;
use crate::View;

/// The version of the report format.
const VERSION: u32 = 1;

/// Returns the report as a JSON value. For each module, it contains totals by kind and section, the
/// table for `by`, differences, and exceeded limits. A table has at most `top` lines, or all if
/// `top` is 0.
#[must_use]
pub fn document(all: &[(Measured, Vec<Over>)], by: By, top: usize) -> Value {
    let modules: Vec<Value> = all.iter().map(|(one, over)| module(one, over, by, top)).collect();
    json!({ "version": VERSION, "modules": modules })
}

fn module(one: &Measured, over: &[Over], by: By, top: usize) -> Value {
    let kinds: serde_json::Map<String, Value> = Kind::ALL
        .iter()
        .map(|kind| (kind.word().to_owned(), json!(one.all.sum(|row| row.kind == *kind))))
        .collect();
    let sections = View::of(&one.all, By::Section).entries.into_iter();
    let sections: serde_json::Map<String, Value> =
        sections.map(|it| (it.label, json!(it.bytes))).collect();
    let view = View::of(&one.all, by);
    let most = if top == 0 { usize::MAX } else { top };
    let mut value = json!({
        "file": one.file,
        "bytes": one.all.total,
        "gzip": one.all.gzip,
        "notes": one.all.notes,
        "kinds": kinds,
        "sections": sections,
        "by": by.to_string(),
        "entries": view.entries.iter().filter(|it| !it.is_rest).take(most).map(|it| json!({
            "kind": it.kind, "name": it.label, "bytes": it.bytes, "count": it.count,
        })).collect::<Vec<_>>(),
        "rest": view.entries.iter().filter(|it| it.is_rest).map(|it| json!({
            "kind": it.kind, "name": it.label, "bytes": it.bytes, "count": it.count,
        })).collect::<Vec<_>>(),
        "more": view.entries.iter().filter(|it| !it.is_rest).skip(most).map(|it| it.bytes).sum::<u64>(),
        "over": over.iter().map(|it| json!({
            "of": it.key.to_string(), "limit": it.limit, "bytes": it.bytes,
        })).collect::<Vec<_>>(),
    });
    if let Some((old, diff)) = &one.diff {
        value["diff"] = json!({
            "old": old,
            "before": diff.before,
            "after": diff.after,
            "changes": diff.changes.iter().take(most).map(|it| json!({
                "kind": it.kind, "name": it.label, "before": it.before, "after": it.after,
                "change": it.by(), "is": it.word(),
            })).collect::<Vec<_>>(),
        });
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breakdown::tests::example;
    use crate::{Breakdown, Diff};

    #[test]
    fn document_adds_up_for_any_number_of_lines() {
        let all = example();
        let diff = Diff::of(&Breakdown::default(), &all, By::Origin);
        let one = Measured {
            file: "x.wasm".into(),
            all: all.clone(),
            diff: Some(("old.wasm".into(), diff)),
        };
        for top in [0, 1, 2] {
            let value = document(&[(one.clone(), Vec::new())], By::Origin, top);
            let module = &value["modules"][0];
            let sum = |name: &str| -> u64 {
                let list = module[name].as_array().unwrap();
                list.iter().map(|it| it["bytes"].as_u64().unwrap()).sum()
            };
            let listed = sum("entries") + sum("rest") + module["more"].as_u64().unwrap();
            assert_eq!(listed, all.total, "{top}");
            for map in ["kinds", "sections"] {
                let map = module[map].as_object().unwrap();
                assert_eq!(map.values().filter_map(Value::as_u64).sum::<u64>(), all.total);
            }
        }
        let value = document(&[(one, Vec::new())], By::Origin, 0);
        assert_eq!(value["modules"][0]["diff"]["changes"][0]["is"], "new");
    }
}
