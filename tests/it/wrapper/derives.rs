//! Derives and attributes of published crates that most projects use: what they expand to is shared between checkouts.

use super::project::Project;
use crate::support::project as this_project;
use indoc::indoc;

const DEPENDENCIES: &str = indoc! {r#"
    [dependencies]
    clap = { version = "4", features = ["derive"] }
    indoc = "2"
rstest = { version = "0.28", default-features = false }
        serde = { version = "1", features = ["derive"] }
    serde_json = "1"
    thiserror = "2"
"#};

/// Also has the compiler look for sources of the standard library, to show where a text came from.
const LIB: &str = indoc! {r#"
    #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Shape { Round { radius: u32 }, Square(u32) }

    #[derive(Debug, thiserror::Error)]
    pub enum Error {
        #[error("{0} is not a shape")]
        NoShape(String),
        #[error(transparent)]
        Json(#[from] serde_json::Error),
    }

    pub fn area(shape: &Shape) -> u32 {
        match shape {
            Shape::Round { radius } if *radius > 1000 => todo!("large shapes: {radius}"),
            Shape::Round { radius } => 3 * radius * radius,
            Shape::Square(0) => unreachable!("{} is refused", indoc::indoc! {"
                nothing
            "}),
            Shape::Square(side) => { assert_eq!(side % 1, 0, "{} is whole", side); side * side }
        }
    }

    #[cfg(test)]
    mod tests {
        #[rstest::rstest]
        #[case(2, 4)]
        fn squares(#[case] side: u32, #[case] area: u32) { assert_eq!(super::area(&super::Shape::Square(side)), area); }
    }
"#};

const MAIN: &str = indoc! {r#"
    #[derive(clap::Parser)]
    /// Measures shapes.
    struct Arguments {
        /// The side.
        #[arg(long, default_value_t = 3)]
        side: u32,
    }

    fn main() {
        let arguments = <Arguments as clap::Parser>::parse();
        println!("{}", shapes::area(&shapes::Shape::Square(arguments.side)));
    }
"#};

#[requires(sccache)]
#[test]
fn what_common_derives_make_is_shared() {
    let lock = std::fs::read_to_string(this_project().join("Cargo.lock")).unwrap();
    let project = Project::new()
        .file("Cargo.lock", &lock)
        .package("shapes", DEPENDENCIES, &[("src/lib.rs", LIB)])
        .package(
            "app",
            "[dependencies]\nshapes = { path = \"../shapes\" }\nclap = { version = \"4\", features = [\"derive\"] }\n",
            &[("src/main.rs", MAIN)],
        )
        .committed();
    for command in ["build", "test"] {
        project.main().cargo(&[command]).ok();
    }
    project.main().clean();
    for checkout in [project.main(), project.linked("a/longer/path")] {
        for command in ["build", "test"] {
            checkout.cargo(&[command]).ok().all_hit();
        }
        assert_eq!(checkout.says("app").trim(), "9");
    }
}
