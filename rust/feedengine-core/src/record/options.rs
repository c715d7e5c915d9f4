//! Options of products and values of them, as profiles declare them: who declares them, who lists which are allowed, who
//! chooses. What the rules mean lies in `plan/matrix.rs`.

use serde::{Deserialize, Serialize};

use super::entity::EntitySpec;
use super::rule::Policy;

/// How records name options of a product and values of these: by one pair, or by columns of which each is an option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// The field that names the product.
    pub product: String,
    /// The field that names the option, and the one that names its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<(String, String)>,
    /// Fields whose values are values of one option each, and what the option is called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<(String, String)>,
}

impl Names {
    /// Fields that name an option, and fields that name values.
    pub fn fields(&self) -> (Option<&String>, Vec<&String>) {
        match &self.pair {
            Some((option, value)) => (Some(option), vec![value]),
            None => (None, self.columns.iter().map(|(field, _)| field).collect()),
        }
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        let (option, values) = self.fields();
        std::iter::once(&self.product).chain(option).chain(values)
    }
}

/// Which of the values that products declare are allowed: a value alone in each row, or values of several options together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// The entity whose records declare options and values.
    pub of: String,
    /// What a row names.
    pub names: Names,
    /// The flag that forbids what the row names where it is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
    /// Whether everything that a product declares must have its row.
    #[serde(default)]
    pub closed: bool,
    /// What becomes of rows that name what the product does not declare.
    #[serde(default)]
    pub policy: Policy,
}

/// What a record chooses of a product's options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The entity with the matrix.
    pub of: String,
    /// What a row names.
    pub names: Names,
    /// What becomes of rows that choose what is not declared, or forbidden.
    #[serde(default)]
    pub policy: Policy,
}

impl EntitySpec {
    /// What its records name, in one of the three ways that there are.
    pub fn names(&self) -> Option<&Names> {
        let matrix = self.matrix.as_ref().map(|matrix| &matrix.names);
        self.declares.as_ref().or(matrix).or(self.choice.as_ref().map(|choice| &choice.names))
    }

    /// Fields that these need.
    pub(super) fn named(&self) -> impl Iterator<Item = &String> {
        let allowed = self.matrix.as_ref().and_then(|matrix| matrix.allowed.as_ref());
        self.names().into_iter().flat_map(Names::all).chain(allowed)
    }
}
