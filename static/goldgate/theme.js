// Loaded first and on its own, so that a dark system never sees a white flash. When a person has chosen a theme
// the server has already written it on <html>; only "as the system" is decided here.
(function () {
  var root = document.documentElement;
  root.classList.add("js");
  if (root.dataset.theme !== "system") return;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var apply = function () { root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light"); };
  apply();
  dark.addEventListener("change", apply);
})();
