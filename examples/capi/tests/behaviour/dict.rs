//! Dicts.

use capi::{Dict, Kind, Object, Result};

use super::{eval, raised, scope, with_python};

fn pairs<'py>(dict: &Dict<'py>) -> Result<'py, Vec<(String, i64)>> {
    dict.items()
        .map(|item| item.and_then(|(key, value)| Ok((key.extract()?, value.extract()?))))
        .collect()
}

#[test]
fn values_are_set_replaced_and_removed() {
    with_python(|py| {
        let dict = Dict::new(py)?;
        assert!(dict.is_empty());
        dict.set("a", 1)?;
        dict.set("b", 2)?;
        dict.set("a", 3)?;
        assert_eq!(pairs(&dict)?, [("a".to_owned(), 3), ("b".to_owned(), 2)]);
        assert!(dict.contains("a")? && !dict.contains("c")?);
        assert_eq!(dict.remove("a")?.unwrap().extract::<i64>()?, 3);
        assert!(dict.remove("a")?.is_none() && dict.get("a")?.is_none());
        assert_eq!(dict.len(), 1);
        Ok(())
    });
}

#[test]
fn keys_are_any_hashable_type() {
    with_python(|py| {
        let dict = Dict::new(py)?;
        dict.set(1, "int")?;
        dict.set(2.5, "float")?;
        dict.set(b"k".as_slice(), "bytes")?;
        dict.set(None::<i64>, "none")?;
        assert_eq!(dict.repr()?, "{1: 'int', 2.5: 'float', b'k': 'bytes', None: 'none'}");
        for result in [
            dict.set(Dict::new(py)?, 1),
            dict.get(Dict::new(py)?).map(drop),
            dict.remove(Dict::new(py)?).map(drop),
            dict.contains(Dict::new(py)?).map(drop),
        ] {
            assert_eq!(raised(result), "TypeError: unhashable type: 'dict'");
        }
        Ok(())
    });
}

#[test]
fn key_exception_is_not_a_missing_key() {
    with_python(|py| {
        let scope = scope(
            py,
            "
class Key:
    def __hash__(self): return 1
    def __eq__(self, other): raise ValueError('no comparison')
dict = {Key(): 1}",
        )?;
        let dict: Dict<'_> = scope.eval("dict")?.extract()?;
        for result in [
            dict.get(1).map(drop),
            dict.contains(1).map(drop),
            dict.remove(1).map(drop),
            dict.set(1, 1),
        ] {
            assert_eq!(raised(result), "ValueError: no comparison");
        }
        Ok(())
    });
}

#[test]
fn iteration_fails_if_keys_change() {
    with_python(|py| {
        let dict: Dict<'_> = eval(py, "{'a': 1, 'b': 2}")?.extract()?;
        let mut items = dict.items();
        items.next().unwrap()?;
        dict.set("c", 3)?;
        let changed = "RuntimeError: dictionary changed size during iteration";
        assert_eq!(raised(items.next().unwrap()), changed);
        assert!(items.next().is_none());

        // Remove one key and add another, so that the size of the dict does not change. Without a
        // check, the iterator would return `a`, `b`, `c` and `d`, one item more than the dict has.
        let mut items = dict.items();
        items.next().unwrap()?;
        dict.remove("a")?;
        dict.set("d", 4)?;
        let rest: Vec<_> = items.collect();
        assert_eq!(
            raised(rest.into_iter().collect::<Result<'_, Vec<_>>>()),
            "RuntimeError: dictionary keys changed during iteration"
        );
        Ok(())
    });
}

#[test]
fn iteration_survives_a_cleared_dict() {
    with_python(|py| {
        let scope = scope(py, "dict = {i: object() for i in range(1000)}")?;
        let dict: Dict<'_> = scope.eval("dict")?.extract()?;
        let mut seen = 0;
        for item in dict.items() {
            let Ok((key, value)) = item else { break };
            seen += 1;
            if seen == 500 {
                scope.exec("dict.clear(); dict.update((str(i), object()) for i in range(1000))")?;
            }
            assert!(!key.is(&value) && value.type_name() == "object");
        }
        assert!(seen >= 500, "{seen}");
        Ok(())
    });
}

#[test]
fn values_may_change_during_iteration() {
    with_python(|py| {
        let dict: Dict<'_> = eval(py, "{'a': 1, 'b': 2}")?.extract()?;
        for item in dict.items() {
            let (key, value) = item?;
            dict.set(key, value.extract::<i64>()? * 10)?;
        }
        assert_eq!(pairs(&dict)?, [("a".to_owned(), 10), ("b".to_owned(), 20)]);
        Ok(())
    });
}

#[test]
fn overridden_methods_are_not_called() {
    with_python(|py| {
        let scope = scope(
            py,
            "
class Loud(dict):
    def __getitem__(self, key): raise ValueError
    def __len__(self): raise ValueError
    __contains__ = get = __setitem__ = __iter__ = __getitem__
dict = Loud(a=1)",
        )?;
        let dict: Dict<'_> = scope.eval("dict")?.extract()?;
        assert_eq!(pairs(&dict)?, [("a".to_owned(), 1)]);
        dict.set("b", 2)?;
        assert!(dict.contains("b")? && dict.len() == 2);
        Ok(())
    });
}

#[test]
fn other_objects_are_refused_despite_their_class() {
    with_python(|py| {
        let scope = scope(py, "class Fake: __class__ = dict\nfake = Fake()")?;
        assert!(scope.eval("isinstance(fake, dict)")?.is_true()?);
        for object in [scope.eval("fake")?, eval(py, "[]")?, Object::none(py)] {
            let expected = format!("TypeError: expected dict, got {}", object.type_name());
            let error = object.extract::<Dict<'_>>().unwrap_err();
            assert!(error.is(Kind::Type));
            assert_eq!(error.to_string(), expected);
        }
        Ok(())
    });
}
