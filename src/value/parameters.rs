use crate::validation::ValidationError;

/// Declares a model by its parameters: positive numbers that are checked when it is made, read or deserialised.
macro_rules! parameters {
    (
        $(#[$about:meta])*
        $model:literal $Model:ident { $($(#[$says:meta])* $parameter:ident,)* }
        $(#[$made:meta])* new
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "Fields")]
        pub struct $Model {
            $($parameter: f64,)*
        }

        #[derive(serde::Deserialize)]
        struct Fields {
            $($parameter: f64,)*
        }

        impl TryFrom<Fields> for $Model {
            type Error = $crate::validation::ValidationError;

            fn try_from(fields: Fields) -> Result<Self, Self::Error> {
                Self::new($(fields.$parameter),*)
            }
        }

        impl $Model {
            $(#[$made])*
            ///
            /// # Errors
            /// [`ValidationError`](crate::ValidationError) when a parameter does not lie between 1e-30 and 1e30.
            pub fn new($($parameter: f64),*) -> Result<Self, $crate::validation::ValidationError> {
                Ok(Self {
                    $($parameter: $crate::value::parameters::positive(
                        concat!($model, ".", stringify!($parameter)), $parameter,
                    )?,)*
                })
            }

            $(
                $(#[$says])*
                pub const fn $parameter(&self) -> f64 {
                    self.$parameter
                }
            )*
        }
    };
}

pub(super) use parameters;

/// Checks a parameter of a model.
pub(super) fn positive(field: &'static str, value: f64) -> Result<f64, ValidationError> {
    if (1e-30..=1e30).contains(&value) {
        Ok(value)
    } else {
        Err(ValidationError::new(field, "must lie between 1e-30 and 1e30", value))
    }
}
