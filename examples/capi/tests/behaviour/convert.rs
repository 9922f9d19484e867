//! Conversion of values.

use capi::{Kind, Object, ToPython};

use super::{eval, raised, scope, with_python};

#[test]
fn integers_convert_up_to_64_bits() {
    with_python(|py| {
        for number in [0, -1, 1 << 31, i64::from(i32::MIN) - 1, i64::MIN, i64::MAX] {
            let object = number.to_python(py)?;
            assert_eq!(object.repr()?, number.to_string());
            assert_eq!(object.extract::<i64>()?, number);
        }
        let error = eval(py, "2 ** 63")?.extract::<i64>().unwrap_err();
        assert!(error.is(Kind::Overflow), "{error}");
        assert!(eval(py, "1.5")?.extract::<i64>().unwrap_err().is(Kind::Type));
        Ok(())
    });
}

#[test]
fn floats_convert_and_accept_integers() {
    with_python(|py| {
        for number in [0.1, -1.0, f64::MAX, f64::INFINITY] {
            assert_eq!(number.to_python(py)?.extract::<f64>()?, number);
        }
        assert!(eval(py, "float('nan')")?.extract::<f64>()?.is_nan());
        assert_eq!(eval(py, "3")?.extract::<f64>()?, 3.0);
        let error = eval(py, "10 ** 400")?.extract::<f64>().unwrap_err();
        assert!(error.is(Kind::Overflow), "{error}");
        Ok(())
    });
}

#[test]
fn minus_one_is_not_mistaken_for_an_exception() {
    with_python(|py| {
        let scope = scope(
            py,
            "
class Bad:
    def __index__(self): raise ValueError('no number')
    __float__ = __index__
class MinusOne:
    def __index__(self): return -1",
        )?;
        let bad = scope.eval("Bad()")?;
        assert_eq!(raised(bad.extract::<i64>()), "ValueError: no number");
        assert_eq!(raised(bad.extract::<f64>()), "ValueError: no number");
        assert_eq!(scope.eval("MinusOne()")?.extract::<i64>()?, -1);
        assert_eq!(scope.eval("MinusOne()")?.extract::<f64>()?, -1.0);
        Ok(())
    });
}

#[test]
fn only_true_and_false_are_bools() {
    with_python(|py| {
        assert!(true.to_python(py)?.is(&eval(py, "True")?));
        assert!(eval(py, "1 == 1")?.extract::<bool>()?);
        assert!(!eval(py, "1 == 2")?.extract::<bool>()?);
        assert_eq!(raised(eval(py, "1")?.extract::<bool>()), "TypeError: expected bool, got int");
        Ok(())
    });
}

#[test]
fn none_is_none() {
    with_python(|py| {
        assert!(None::<&str>.to_python(py)?.is_none());
        assert_eq!(Object::none(py).extract::<Option<i64>>()?, None);
        assert_eq!(Some(3).to_python(py)?.extract::<Option<i64>>()?, Some(3));
        Ok(())
    });
}

#[test]
fn text_keeps_every_character() {
    with_python(|py| {
        for text in ["", "a\0b", "größe \u{1f40d}\u{10ffff}", "\u{feff}bom"] {
            let object = text.to_python(py)?;
            assert_eq!(object.as_str()?, text);
            assert_eq!(object.extract::<String>()?, text);
            let count = object.call_method("__len__", ())?.extract::<i64>()?;
            assert_eq!(count.unsigned_abs() as usize, text.chars().count());
        }
        Ok(())
    });
}

#[test]
fn lone_surrogates_raise_unicode_encode_error() {
    with_python(|py| {
        let text = eval(py, "'a\\udc80b'")?;
        let expected = "UnicodeEncodeError: 'utf-8' codec can't encode character '\\udc80' \
                        in position 1: surrogates not allowed";
        assert_eq!(raised(text.as_str()), expected);
        assert_eq!(raised(text.str()), expected);
        assert_eq!(raised(text.extract::<String>()), expected);
        assert!(text.extract::<String>().unwrap_err().is(Kind::Unicode));
        // `repr` escapes the lone surrogate.
        assert_eq!(text.repr()?, "'a\\udc80b'");
        Ok(())
    });
}

#[test]
fn other_objects_do_not_convert_to_text() {
    with_python(|py| {
        assert_eq!(raised(eval(py, "3")?.as_str()), "TypeError: expected str, got int");
        let error = eval(py, "b'text'")?.extract::<String>().unwrap_err();
        assert_eq!(error.to_string(), "TypeError: expected str, got bytes");
        Ok(())
    });
}

#[test]
fn bytes_keep_every_byte() {
    with_python(|py| {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(all.as_slice().to_python(py)?.extract::<Vec<u8>>()?, all);
        assert_eq!(eval(py, "b''")?.extract::<Vec<u8>>()?, b"");
        let error = eval(py, "'text'")?.extract::<Vec<u8>>().unwrap_err();
        assert_eq!(error.to_string(), "TypeError: expected bytes, got str");
        Ok(())
    });
}
