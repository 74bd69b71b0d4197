//! The program above everything.

use clap::Parser;

#[derive(Parser, expands::Fields)]
struct Options {
    #[arg(long, default_value = "let a = 1; in a")]
    nix: String,
}

fn main() {
    let options = Options::parse();
    println!("fields: {}", Options::FIELDS);
    println!("nix errors: {}", reads::nix_errors(&options.nix));
    println!("words: {:?}", reads::words("a b a"));
    println!("settings: {:?}", reads::settings("name = 'x'"));
    println!("packed: {:?}", packs::packed());
    println!("digest: {:?}", packs::digest(b"x"));
    println!("notes: {:?}", store::notes());
    println!("web: {:?}", web::run(std::time::Duration::from_millis(20)));
    println!("client: {}", web::client().build().is_ok());
    println!("native: {}", native::doubled(21));
    for line in app::lines() {
        println!("{line}");
    }
}
