//! A small service.

use axum::{routing::get, Json, Router};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    pub file: String,
    pub version: String,
}

pub fn router() -> Router {
    Router::new().route("/", get(answer))
}

async fn answer() -> Json<Answer> {
    tracing::debug!("asked");
    Json(Answer { file: plain::FILE.to_owned(), version: plain::VERSION.to_owned() })
}

pub fn run(limit: std::time::Duration) -> Result<String, std::io::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let _ = tokio::time::timeout(limit, async { axum::serve(listener, router()).await }).await;
        Ok(serde_json::to_string(&Answer { file: "-".into(), version: "-".into() })?)
    })
}

pub fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
}
