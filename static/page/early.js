// @ts-check
// A classic script in the page's head: theme, contrast and the projector's sizes stand before the first paint.
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
  if (matchMedia("(prefers-contrast: more)").matches) document.documentElement.dataset.contrast = "more";
  // The wall is this page's own: not what a teacher reads, nor a frame on another's page.
  const projected = location.pathname !== "/presenter" && !location.pathname.endsWith("/embed");
  if (stored("projector") === "on" && projected) document.documentElement.dataset.projector = "on";
}
