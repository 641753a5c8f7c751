//! The console: server-rendered pages for people, in Japanese and English.
//!
//! Every page is a plain view struct (`view/`), a template (`templates/`) and a thin handler
//! (`page/`) that fills the struct. Texts live in `catalogue/` and nowhere else; formats follow
//! `view::format`. Pages work without script; `static/js` only avoids reloads.
//!
//! Invariants: templates carry no `style=`, no inline script and no words of their own; everything
//! from outside is escaped by askama (only [`Markup`] built here passes unescaped).
//!
//! To add a page: a struct in `view/`, a template, a line in `pages!` of `view/mod.rs`, both
//! catalogues, a sample in `preview.rs` (it fails on a missing text), then the handler.

pub mod assets;
pub mod catalogue;
mod chart;
pub mod letter;
mod marks;
pub mod markup;
pub mod page;
#[cfg(test)]
mod preview;
pub mod shell;
mod times;
pub mod view;

pub use catalogue::Lang;
pub use markup::Markup;
pub use page::routes;
pub use shell::{Alarm, Me, Notice, Section, Shell};
