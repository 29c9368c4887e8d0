// @ts-check
// A classic script in the page's head: the theme and the projector's sizes stand before the first paint.
{
  const stored = (/** @type {string} */ key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const theme = stored("theme");
  const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  if (stored("projector") === "on" && location.pathname !== "/presenter") document.documentElement.dataset.projector = "on";
}
