"""`python -m automl` is `automl`."""

from automl.workers.paths import current_folder_last

if __name__ == "__main__":
    current_folder_last()  # a script beside the data may be called as a library is
    from automl.cli import main

    main()
