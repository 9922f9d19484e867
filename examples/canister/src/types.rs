//! The types of the interface, and what Python sees of them.

use candid::CandidType;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Deserialize;

/// Something with an area.
#[derive(CandidType, Deserialize)]
pub(crate) enum Shape {
    /// By its radius.
    Circle {
        /// In metres.
        radius: f64,
    },
    /// By its sides.
    Rectangle {
        /// In metres.
        width: f64,
        /// In metres.
        height: f64,
    },
    /// By its corners, in order.
    Polygon(Vec<Point>),
}

/// A corner.
#[derive(CandidType, Deserialize)]
pub(crate) struct Point {
    x: f64,
    y: f64,
}

/// What Python says of a shape.
#[derive(CandidType, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Measured {
    name: String,
    area: f64,
    size: Size,
}

/// How large it is.
#[derive(CandidType)]
pub(crate) enum Size {
    /// Below a hundred square metres.
    Small,
    /// From there on.
    Large,
}

/// An identifier, and a digest in hexadecimal.
#[derive(CandidType)]
pub(crate) struct Ticket {
    pub(crate) id: String,
    pub(crate) sha256: String,
}

impl Shape {
    /// The name of the class in Python.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Circle { .. } => "Circle",
            Self::Rectangle { .. } => "Rectangle",
            Self::Polygon(_) => "Polygon",
        }
    }
}

/// As the arguments of the class.
impl<'py> IntoPyObject<'py> for &Shape {
    type Target = PyDict;
    type Output = Bound<'py, PyDict>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let fields = PyDict::new(py);
        match self {
            Shape::Circle { radius } => fields.set_item("radius", radius)?,
            Shape::Rectangle { width, height } => {
                fields.set_item("width", width)?;
                fields.set_item("height", height)?;
            }
            Shape::Polygon(points) => {
                let points: Vec<(f64, f64)> = points.iter().map(|it| (it.x, it.y)).collect();
                fields.set_item("points", points)?;
            }
        }
        Ok(fields)
    }
}

/// By the value of the `Enum`.
impl<'a, 'py> FromPyObject<'a, 'py> for Size {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match value.extract::<&str>()? {
            "Small" => Ok(Self::Small),
            "Large" => Ok(Self::Large),
            other => Err(pyo3::exceptions::PyValueError::new_err(format!("no size: {other}"))),
        }
    }
}
