// Before the first paint, so that a dark screen never flashes white.
(function () {
  try {
    var mode = localStorage.getItem("yl.theme");
    var dark = mode ? mode === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.classList.toggle("dark", dark);
  } catch {
    // Storage may be forbidden: the light theme is used.
  }
})();
