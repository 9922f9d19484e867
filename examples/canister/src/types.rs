//! The types in the Candid interface, and their conversion to and from Python objects.

use candid::CandidType;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Deserialize;

/// A shape with an area.
#[derive(CandidType, Deserialize)]
pub(crate) enum Shape {
    /// A circle.
    Circle {
        /// In metres.
        radius: f64,
    },
    /// A rectangle.
    Rectangle {
        /// In metres.
        width: f64,
        /// In metres.
        height: f64,
    },
    /// A polygon, given by its corners in order.
    Polygon(Vec<Point>),
}

/// A corner of a polygon, in metres.
#[derive(CandidType, Deserialize)]
pub(crate) struct Point {
    x: f64,
    y: f64,
}

/// The result of measuring a shape.
#[derive(CandidType, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Measured {
    name: String,
    area: f64,
    size: Size,
}

/// A size class.
#[derive(CandidType)]
pub(crate) enum Size {
    /// Less than 100 square metres.
    Small,
    /// 100 square metres or more.
    Large,
}

/// A random identifier, and a text's SHA-256 digest in hexadecimal.
#[derive(CandidType)]
pub(crate) struct Ticket {
    pub(crate) id: String,
    pub(crate) sha256: String,
}

impl Shape {
    /// Returns the name of the Python class for this shape.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Circle { .. } => "Circle",
            Self::Rectangle { .. } => "Rectangle",
            Self::Polygon(_) => "Polygon",
        }
    }
}

/// Converts a shape to the keyword arguments of its Python class.
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
                let points: Vec<(f64, f64)> =
                    points.iter().map(|point| (point.x, point.y)).collect();
                fields.set_item("points", points)?;
            }
        }
        Ok(fields)
    }
}

/// Converts the value of a Python `Enum` member to a [`Size`].
impl<'a, 'py> FromPyObject<'a, 'py> for Size {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match value.extract::<&str>()? {
            "Small" => Ok(Self::Small),
            "Large" => Ok(Self::Large),
            other => Err(pyo3::exceptions::PyValueError::new_err(format!("invalid size: {other}"))),
        }
    }
}
