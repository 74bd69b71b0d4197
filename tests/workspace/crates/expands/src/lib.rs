//! Procedural macros that look around while they expand, which no dep-info tells.

use proc_macro::{Literal, TokenStream, TokenTree};

fn text(value: &str) -> TokenStream {
    TokenTree::Literal(Literal::string(value)).into()
}

/// The value of the variable of this name where it is expanded.
#[proc_macro]
pub fn variable(input: TokenStream) -> TokenStream {
    let name = input.to_string();
    text(&std::env::var(name.trim_matches('"')).unwrap_or_else(|_| "unset".to_owned()))
}

/// The name of the package's directory, without the directories above.
#[proc_macro]
pub fn dir_name(_: TokenStream) -> TokenStream {
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    text(directory.rsplit('/').next().unwrap())
}

/// How many fields a struct has.
#[proc_macro_derive(Fields)]
pub fn fields(input: TokenStream) -> TokenStream {
    let mut name = String::new();
    let mut tokens = input.into_iter();
    let mut count = 0;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word.to_string() == "struct" => {
                name = tokens.next().unwrap().to_string();
            }
            TokenTree::Group(body) => {
                count = body.stream().to_string().matches(':').count();
            }
            _ => {}
        }
    }
    format!("impl {name} {{ pub const FIELDS: usize = {count}; }}").parse().unwrap()
}
