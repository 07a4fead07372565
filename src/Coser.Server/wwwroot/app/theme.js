// Runs before the first paint, so that the page never flashes in the wrong theme.
(function () {
  "use strict";
  let theme = null;
  try {
    theme = localStorage.getItem("coser.theme");
  } catch {
    // Storage is switched off: the system's theme it is.
  }
  if (theme === '"dark"' || theme === '"light"') {
    document.documentElement.dataset.theme = theme.slice(1, -1);
  }
})();
