// Before anything is painted: the theme that the reader chose, if any.
(() => {
  try {
    const theme = localStorage.getItem('postrider-theme');
    if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
  } catch {
    // A frame of another site may keep nothing; it follows the system.
  }
})();
