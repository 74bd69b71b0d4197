//! JSON, which all commands print in the same form.

use serde_json::Value;

use super::Report;
use sccfg_util::secret;

impl Report {
    /// Prints JSON, also with `--quiet`: indented on a terminal, otherwise on one line.
    pub(crate) fn json(self, value: &Value) {
        if Self::is_terminal_output() {
            self.data(&format!("{value:#}\n"));
        } else {
            self.json_line(value);
        }
    }

    /// Prints one object of a stream, on a line of its own.
    pub(crate) fn json_line(self, value: &Value) {
        self.data(&format!("{value}\n"));
    }

    /// As [`json`](Self::json), without the secrets that messages in it may contain.
    pub(crate) fn json_without_secrets(self, mut value: Value) {
        redact(&mut value);
        self.json(&value);
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::String(text) => *text = secret::redact_message(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => fields.values_mut().for_each(redact),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
