//! Tuples.

use capi::{Object, ToPython, Tuple};

use super::{eval, scope, with_python};

#[test]
fn tuple_keeps_the_order_of_its_items() {
    with_python(|py| {
        let items = ["a".to_python(py)?, 2.to_python(py)?, Object::none(py)];
        let tuple = Tuple::new(py, &items)?;
        assert_eq!(tuple.repr()?, "('a', 2, None)");
        assert_eq!(tuple.len(), 3);
        assert!(tuple.items().zip(&items).all(|(one, other)| one.is(other)));
        assert_eq!(tuple.items().count(), 3);
        Ok(())
    });
}

#[test]
fn tuple_may_be_empty() {
    with_python(|py| {
        let tuple = Tuple::new(py, &[])?;
        assert!(tuple.is_empty() && tuple.items().next().is_none());
        assert_eq!(tuple.repr()?, "()");
        Ok(())
    });
}

#[test]
fn index_out_of_range_is_none() {
    with_python(|py| {
        let tuple: Tuple<'_> = eval(py, "(1, 2)")?.extract()?;
        assert_eq!(tuple.get(1).unwrap().extract::<i64>()?, 2);
        for index in [2, 3, isize::MAX as usize, usize::MAX] {
            assert!(tuple.get(index).is_none(), "{index}");
        }
        Ok(())
    });
}

#[test]
fn subclass_instance_is_a_tuple() {
    with_python(|py| {
        let scope = scope(py, "from collections import namedtuple\nP = namedtuple('P', 'x y')")?;
        let point: Tuple<'_> = scope.eval("P(3, 4)")?.extract()?;
        assert_eq!(point.get(1).unwrap().extract::<i64>()?, 4);
        assert_eq!(point.get_attr("x")?.extract::<i64>()?, 3);
        Ok(())
    });
}

#[test]
fn other_objects_are_refused_despite_their_class() {
    with_python(|py| {
        let scope = scope(py, "class Fake: __class__ = tuple\nfake = Fake()")?;
        for name in ["fake", "[1]", "'text'"] {
            let object = scope.eval(name)?;
            let expected = format!("TypeError: expected tuple, got {}", object.type_name());
            assert_eq!(object.extract::<Tuple<'_>>().unwrap_err().to_string(), expected);
        }
        Ok(())
    });
}
