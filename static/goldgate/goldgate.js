// Small comforts. Every page works without this file.
const live = document.getElementById("gg-live");

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const words = button.querySelector(".gg-copy-word");
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    if (live) live.textContent = "Copied: " + button.dataset.copy;
    if (words) { words.textContent = "Copied"; setTimeout(() => { words.textContent = "Copy"; }, 2000); }
  } catch {
    // No clipboard over plain http on another host: select the text so that the keyboard can copy it.
    const text = button.parentElement.querySelector("code");
    if (text) {
      if (text.dataset.full) text.textContent = text.dataset.full;
      getSelection().selectAllChildren(text);
    }
    if (live) live.textContent = "Selected. Press Ctrl+C to copy.";
  }
});

// "/" goes to the search box, unless somebody is typing or has switched shortcuts off.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const box = document.getElementById("gg-find");
  if (!box) return;
  event.preventDefault();
  box.focus();
});

// A form is sent once: a second click while it is under way does nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
});

// A log that grows keeps its reader's place: its end for who reads along, else the line that they stand at.
const logEnd = () => document.getElementById("log-end");
const toEnd = (log) => { log.scrollTop = log.scrollHeight; };
let place = null;
document.addEventListener("htmx:beforeSwap", () => {
  const log = logEnd();
  place = log && { top: log.scrollTop, isEnd: log.scrollTop + log.clientHeight >= log.scrollHeight - 4 };
});
document.addEventListener("htmx:afterSwap", () => {
  const log = logEnd();
  if (!log) return;
  if (!place || place.isEnd) toEnd(log); else log.scrollTop = place.top;
});
if (logEnd()?.closest("[hx-trigger]")) toEnd(logEnd());

// The first message about an error takes the focus, so that it is heard and not only seen.
document.querySelector("[data-focus]")?.focus();
