//! Says where the crates below it are, and what is there.

fn main() {
    println!("manifest: {}", speaks::MANIFEST);
    println!("fixture: {}", speaks::fixture().trim_end());
    println!("plain: {}", plain::FILE);
    for text in opens::opened() {
        println!("opened {text}");
    }
}
