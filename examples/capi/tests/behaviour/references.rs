//! Checks that every reference taken is released exactly once.
//!
//! A missing release is a leak, which makes an object's reference count or Python's memory usage
//! grow. An extra release makes the reference count of an object drop while the object is in use.

use capi::{Dict, Error, Kind, Object, Python, Result, Scope, ToPython, Tuple};

use super::native::notes;
use super::{eval, scope, with_python};

/// An operation on a probe. A probe is an instance of a Python class.
type Operation = for<'a, 'py> fn(&'a Object<'py>) -> Result<'py, ()>;

const SUCCESSES: &[(&str, Operation)] = &[
    ("clone", |probe| {
        drop(probe.clone());
        Ok(())
    }),
    ("to_python", |probe| {
        let py = probe.python();
        // Python caches small integers, so converting one would not allocate memory.
        123_456_789.to_python(py)?;
        0.125.to_python(py)?;
        "a text of some length".to_python(py)?;
        b"bytes".as_slice().to_python(py)?;
        probe.to_python(py)?;
        Some(probe).to_python(py).map(drop)
    }),
    ("none", |probe| {
        drop(Object::none(probe.python()));
        Ok(())
    }),
    ("attributes", |probe| {
        probe.set_attr("value", probe.get_attr("method")?)?;
        probe.get_attr("value")?;
        probe.set_attr("value", 0)
    }),
    ("item", |probe| {
        assert!(probe.get_item(probe)?.is(probe));
        Ok(())
    }),
    ("call", |probe| {
        assert!(probe.call_method("method", (probe, 123_456_789))?.is(probe));
        Ok(())
    }),
    ("call_with", |probe| {
        let keywords = Dict::new(probe.python())?;
        keywords.set("key", probe)?;
        probe.get_attr("method")?.call_with((probe,), &keywords).map(drop)
    }),
    ("call_tuple", |probe| {
        let arguments = Tuple::new(probe.python(), &[probe.clone(), probe.clone()])?;
        probe.get_attr("method")?.call(&arguments).map(drop)
    }),
    ("texts", |probe| {
        probe.str()?;
        probe.repr()?;
        assert_eq!(probe.type_name(), "Probe");
        probe.is_true().map(drop)
    }),
    ("extract", |probe| {
        probe.extract::<Object<'_>>()?;
        probe.extract::<Option<Object<'_>>>()?;
        probe.call_method("pair", ())?.extract::<Tuple<'_>>()?;
        probe.get_attr("__dict__")?.extract::<Dict<'_>>().map(drop)
    }),
    ("iterate", |probe| {
        for item in probe.iter()? {
            assert!(item?.is(probe));
        }
        // Drop an iterator before it has reached the end.
        probe.iter()?.next().unwrap().map(drop)
    }),
    ("dict", |probe| {
        let dict = Dict::new(probe.python())?;
        dict.set(probe, probe)?;
        dict.set(probe, 1)?;
        dict.set("key", probe)?;
        assert!(dict.contains(probe)? && dict.get("key")?.unwrap().is(probe));
        assert!(dict.get("other")?.is_none());
        for item in dict.items() {
            item?;
        }
        dict.items().next().unwrap()?;
        assert!(dict.remove("key")?.unwrap().is(probe));
        assert!(dict.remove("key")?.is_none());
        Ok(())
    }),
    ("tuple", |probe| {
        let tuple = Tuple::new(probe.python(), &[probe.clone(), probe.clone()])?;
        assert!(tuple.get(1).unwrap().is(probe) && tuple.get(2).is_none());
        assert_eq!(tuple.items().count(), 2);
        Ok(())
    }),
    ("scope", |probe| {
        let scope = Scope::new(probe.python())?;
        scope.set("probe", probe)?;
        scope.exec("other = probe, 123456789")?;
        assert!(scope.eval("other[0]")?.is(probe));
        scope.get("other")?;
        Scope::with(scope.globals().clone(), Dict::new(probe.python())?).exec("x = probe")
    }),
    ("scope_with_a_function", |probe| {
        let scope = Scope::new(probe.python())?;
        scope.set("probe", probe)?;
        scope.exec("def f(): return probe")?;
        scope.eval("f()").map(drop)
    }),
    ("import", |probe| Object::import(probe.python(), "os.path").map(drop)),
    ("native_functions", |probe| {
        let native = Object::import(probe.python(), "native")?;
        let method = probe.get_attr("method")?;
        assert!(native.call_method("call", (method, probe, 123_456_789))?.is(probe));
        native.call_method("count", (probe, probe)).map(drop)
    }),
    ("native_module", |probe| {
        let scope = Scope::new(probe.python())?;
        scope.exec("import sys; sys.modules.pop('native', None); import native")
    }),
];

const FAILURES: &[(&str, Operation)] = &[
    ("to_text", |probe| probe.as_str().map(drop)),
    ("to_integer", |probe| probe.extract::<i64>().map(drop)),
    ("to_bool", |probe| probe.extract::<bool>().map(drop)),
    ("to_dict", |probe| probe.extract::<Dict<'_>>().map(drop)),
    ("to_tuple", |probe| probe.extract::<Tuple<'_>>().map(drop)),
    ("no_attribute", |probe| probe.get_attr("no_such").map(drop)),
    ("no_call", |probe| probe.call((probe,)).map(drop)),
    ("call_raises", |probe| probe.call_method("fail", (probe,)).map(drop)),
    ("unhashable", |probe| {
        let dict = Dict::new(probe.python())?;
        dict.set(Dict::new(probe.python())?, probe)
    }),
    ("changed_walk", |probe| {
        let dict = Dict::new(probe.python())?;
        dict.set(probe, probe)?;
        let mut items = dict.items();
        items.next().unwrap()?;
        dict.set("key", probe)?;
        items.next().unwrap().map(drop)
    }),
    ("syntax", |probe| Scope::new(probe.python())?.exec("def")),
    ("nul", |probe| Scope::new(probe.python())?.exec("\0")),
    ("evaluation", |probe| {
        let scope = Scope::new(probe.python())?;
        scope.set("probe", probe)?;
        scope.eval("probe.fail(probe)").map(drop)
    }),
    ("own", |probe| Err(Error::new(probe.python(), Kind::Value, "mine"))),
    ("not_an_exception", |probe| Err(Error::from_exception(probe.clone()))),
    ("native_err", |probe| {
        Object::import(probe.python(), "native")?.call_method("refuse", (probe,)).map(drop)
    }),
    ("native_throw", |probe| {
        let exception = eval(probe.python(), "ValueError('thrown')")?;
        Object::import(probe.python(), "native")?.call_method("throw", (exception,)).map(drop)
    }),
    ("native_call_raises", |probe| {
        let native = Object::import(probe.python(), "native")?;
        native.call_method("call", (probe.get_attr("fail")?, probe)).map(drop)
    }),
    ("native_import", |probe| {
        let scope = Scope::new(probe.python())?;
        scope.exec("import sys; sys.modules.pop('native', None); sys.refuse_native = True")?;
        let result = scope.exec("import native");
        scope.exec("del sys.refuse_native")?;
        result
    }),
];

/// A measurement of memory usage and a probe's reference count.
struct Census<'py> {
    scope: Scope<'py>,
}

impl<'py> Census<'py> {
    fn new(py: Python<'py>) -> Result<'py, Self> {
        let scope = scope(
            py,
            "
import gc, native, sys, tracemalloc
gc.disable()
tracemalloc.start()

class Probe:
    def method(self, *arguments, **keywords): return self
    def pair(self): return (self, 123456789)
    def fail(self, other): raise ValueError(self, other)
    def __getitem__(self, key): return key
    def __iter__(self): return iter([self, self])

probe = Probe()

def census():
    gc.collect()
    # The type cache keeps attribute names alive, and C code such as the one that reads importlib's
    # `spec.name` looks up a new str each time.
    sys._clear_internal_caches()
    return tracemalloc.get_traced_memory()[0], sys.getrefcount(probe)",
        )?;
        Ok(Self { scope })
    }

    /// Returns the number of bytes in use and the number of references to the probe.
    fn take(&self) -> Result<'py, (i64, i64)> {
        let counts: Tuple<'_> = self.scope.eval("census()")?.extract()?;
        Ok((counts.get_item(0)?.extract()?, counts.get_item(1)?.extract()?))
    }

    /// Runs an operation many times, in batches. A leak occurs in every batch. An occasional
    /// allocation by Python, such as for a growing dict, does not.
    fn check(&self, name: &str, operation: impl Fn() -> Result<'py, ()>) -> Result<'py, ()> {
        const TIMES: i64 = 100;
        const BATCHES: usize = 4;
        let mut leaked = i64::MAX;
        let mut before = None;
        for _ in 0..BATCHES {
            for _ in 0..TIMES {
                operation()?;
            }
            let (bytes, references) = self.take()?;
            if let Some((bytes_before, references_before)) = before {
                assert_eq!(references, references_before, "{name}: references to the probe");
                leaked = leaked.min(bytes - bytes_before);
            }
            before = Some((bytes, references));
        }
        // Even the smallest object takes eight bytes, so a leak adds at least that much per round.
        assert!(leaked < 8 * TIMES, "{name}: {leaked} bytes leaked in {TIMES} rounds");
        Ok(())
    }
}

#[test]
fn census_detects_leaks() {
    with_python(|py| {
        let census = Census::new(py)?;
        let (bytes, references) = census.take()?;
        let probe = census.scope.eval("probe")?;
        let kept: Vec<_> = (0..100).map(|_| probe.clone()).collect();
        assert_eq!(census.take()?.1, references + 101);
        drop(kept);
        let kept: Result<'_, Vec<_>> = (0..100).map(|_| 123_456_789.to_python(py)).collect();
        assert!(census.take()?.0 >= bytes + 800);
        drop(kept?);
        assert!(census.take()?.0 < bytes + 800);
        Ok(())
    });
}

#[test]
fn successful_operations_do_not_leak() {
    with_python(|py| {
        let census = Census::new(py)?;
        let probe = census.scope.eval("probe")?;
        for (name, operation) in SUCCESSES {
            census.check(name, || operation(&probe))?;
        }
        Ok(())
    });
}

#[test]
fn failed_operations_do_not_leak() {
    with_python(|py| {
        let census = Census::new(py)?;
        let probe = census.scope.eval("probe")?;
        for (name, operation) in FAILURES {
            census.check(name, || {
                let Err(error) = operation(&probe) else { panic!("{name} did not fail") };
                error.to_string();
                Ok(())
            })?;
        }
        Ok(())
    });
}

#[test]
fn reading_an_exception_does_not_leak() {
    with_python(|py| {
        let census = Census::new(py)?;
        census.check("exception", || {
            let error = census.scope.eval("probe.fail(probe)").unwrap_err();
            error.message()?;
            error.traceback()?;
            assert!(error.is(Kind::Value) && error.exit_code().is_none());
            error.clone().exception().get_attr("args")?;
            let exit = census.scope.eval("sys.exit(3)").unwrap_err();
            assert_eq!(exit.exit_code(), Some(3));
            Ok(())
        })
    });
}

/// Code that defines a class whose `__del__` calls `native.note`.
const NOISY: &str = "
import native, weakref

class Noisy:
    def __init__(self, name): self.name = name
    def __del__(self): native.note(self.name)
";

#[test]
fn object_dies_with_its_last_reference() {
    with_python(|py| {
        notes();
        let scope = scope(py, NOISY)?;
        let object = scope.eval("Noisy('object')")?;
        let weak = scope.eval("weakref.ref")?.call((&object,))?;
        let clone = object.clone();
        drop(object);
        assert!(notes().is_empty());
        assert!(weak.call(())?.is(&clone));
        drop(clone);
        assert_eq!(notes(), ["object"]);
        assert!(weak.call(())?.is_none());
        Ok(())
    });
}

#[test]
fn dict_keeps_keys_and_values_alive() {
    with_python(|py| {
        notes();
        let scope = scope(py, NOISY)?;
        let dict = Dict::new(py)?;
        dict.set(scope.eval("Noisy('key')")?, scope.eval("Noisy('value')")?)?;
        let (key, value) = dict.items().next().unwrap()?;
        drop(value);
        assert!(notes().is_empty());
        drop(dict.remove(&key)?);
        assert_eq!(notes(), ["value"]);
        drop(key);
        assert_eq!(notes(), ["key"]);
        dict.set(1, scope.eval("Noisy('last')")?)?;
        drop(dict);
        assert_eq!(notes(), ["last"]);
        Ok(())
    });
}

#[test]
fn tuple_keeps_items_alive() {
    with_python(|py| {
        notes();
        let scope = scope(py, NOISY)?;
        let tuple = Tuple::new(py, &[scope.eval("Noisy('item')")?])?;
        let item = tuple.get(0);
        drop(tuple);
        assert!(notes().is_empty());
        drop(item);
        assert_eq!(notes(), ["item"]);
        Ok(())
    });
}

#[test]
fn exception_keeps_traceback_variables_alive() {
    with_python(|py| {
        notes();
        let scope =
            scope(py, &format!("{NOISY}\ndef f():\n    local = Noisy('local')\n    1 / 0"))?;
        let error = scope.eval("f()").unwrap_err();
        assert!(notes().is_empty());
        drop(error);
        assert_eq!(notes(), ["local"]);
        Ok(())
    });
}

#[test]
fn del_may_raise_and_call_rust() {
    with_python(|py| {
        notes();
        let scope = scope(
            py,
            "
import native, sys
sys.unraisablehook = lambda unraisable: native.note(str(unraisable.exc_value))

class Nasty:
    def __del__(self):
        native.call(native.note, 'from __del__')
        native.refuse()
",
        )?;
        drop(scope.eval("Nasty()")?);
        assert_eq!(notes(), ["from __del__", "refused"]);
        // `__del__` also runs while another exception propagates.
        let error = scope.exec("def f():\n    nasty = Nasty()\n    1 / 0\nf()").unwrap_err();
        assert_eq!(error.to_string(), "ZeroDivisionError: division by zero");
        drop(error);
        assert_eq!(notes(), ["from __del__", "refused"]);
        Ok(())
    });
}

#[test]
fn value_stays_valid_if_del_clears_its_dict() {
    with_python(|py| {
        let scope = scope(
            py,
            "
dict = {}
class Clears:
    def __del__(self): dict.clear()
dict.update(a=Clears(), b=[1], c=[2])",
        )?;
        let dict: Dict<'_> = scope.eval("dict")?.extract()?;
        let held = dict.get("b")?.unwrap();
        dict.set("a", 0)?;
        assert!(dict.is_empty());
        assert_eq!(held.repr()?, "[1]");
        Ok(())
    });
}
