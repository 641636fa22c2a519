use serde::{Deserialize, Serialize};

/// What is said to somebody who rings back, beside what an alert call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallBackPrompt {
    /// “There is no message for your number.”
    Nothing,
}
