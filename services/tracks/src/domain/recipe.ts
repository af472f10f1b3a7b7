/** Version of the recipe that new uploads are made by: that of workers/transcode, which a test there compares. */
export const currentRecipe = 1
