//! Reads what people write.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct Settings {
    pub name: String,
    #[serde(default)]
    pub words: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    #[error("no name in {0}")]
    Name(String),
}

pub fn settings(text: &str) -> anyhow::Result<Settings> {
    let settings: Settings = toml_edit::de::from_str(text)?;
    if settings.name.is_empty() {
        anyhow::bail!(Wrong::Name(text.to_owned()));
    }
    Ok(settings)
}

pub fn words(text: &str) -> indexmap::IndexMap<String, usize> {
    let word = regex::Regex::new(r"\w+").expect("a pattern");
    let mut counted = indexmap::IndexMap::new();
    for found in word.find_iter(text) {
        *counted.entry(found.as_str().to_owned()).or_insert(0) += 1;
    }
    counted
}

pub fn nix_errors(text: &str) -> usize {
    rnix::Root::parse(text).errors().len()
}
